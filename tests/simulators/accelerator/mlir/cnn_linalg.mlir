// A small CNN in PyTorch 2.13 through torch-mlir 20261001: torch_mlir.fx.export_and_import(
// model, torch.randn(1, 3, 64, 64), *weights, output_type="linalg-on-tensors")
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map1 = affine_map<(d0) -> (d0)>
#map2 = affine_map<(d0, d1, d2, d3) -> (d1, 0, 0)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
#map4 = affine_map<(d0, d1) -> (d0, d1)>
#map5 = affine_map<(d0, d1) -> (d1)>
module {
  func.func @main(%arg0: tensor<1x3x64x64xf32>, %arg1: tensor<32x3x3x3xf32>, %arg2: tensor<32xf32>, %arg3: tensor<32x1x3x3xf32>, %arg4: tensor<32xf32>, %arg5: tensor<64x32x1x1xf32>, %arg6: tensor<64xf32>, %arg7: tensor<64x16x3x3xf32>, %arg8: tensor<64xf32>, %arg9: tensor<32x64x3x3xf32>, %arg10: tensor<32xf32>, %arg11: tensor<32xf32>, %arg12: tensor<32xf32>, %arg13: tensor<10x32xf32>, %arg14: tensor<10xf32>, %arg15: tensor<32xf32>, %arg16: tensor<32xf32>, %arg17: tensor<i64>) -> tensor<1x10xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant 1.000000e+00 : f32
    %cst_2 = arith.constant 1.000000e-05 : f64
    %cst_3 = arith.constant 1.280000e+02 : f32
    %padded = tensor.pad %arg0 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg18: index, %arg19: index, %arg20: index, %arg21: index):
      tensor.yield %cst : f32
    } : tensor<1x3x64x64xf32> to tensor<1x3x66x66xf32>
    %0 = tensor.empty() : tensor<1x32x32x32xf32>
    %broadcasted = linalg.broadcast ins(%arg2 : tensor<32xf32>) outs(%0 : tensor<1x32x32x32xf32>) dimensions = [0, 2, 3] 
    %1 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%padded, %arg1 : tensor<1x3x66x66xf32>, tensor<32x3x3x3xf32>) outs(%broadcasted : tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xf32>
    %2 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%1 : tensor<1x32x32x32xf32>) outs(%0 : tensor<1x32x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %33 = arith.cmpf ugt, %in, %cst : f32
      %34 = arith.select %33, %in, %cst : f32
      linalg.yield %34 : f32
    } -> tensor<1x32x32x32xf32>
    %padded_4 = tensor.pad %2 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg18: index, %arg19: index, %arg20: index, %arg21: index):
      tensor.yield %cst : f32
    } : tensor<1x32x32x32xf32> to tensor<1x32x34x34xf32>
    %broadcasted_5 = linalg.broadcast ins(%arg4 : tensor<32xf32>) outs(%0 : tensor<1x32x32x32xf32>) dimensions = [0, 2, 3] 
    %collapsed = tensor.collapse_shape %arg3 [[0, 1], [2], [3]] : tensor<32x1x3x3xf32> into tensor<32x3x3xf32>
    %3 = linalg.depthwise_conv_2d_nchw_chw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_4, %collapsed : tensor<1x32x34x34xf32>, tensor<32x3x3xf32>) outs(%broadcasted_5 : tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xf32>
    %4 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%3 : tensor<1x32x32x32xf32>) outs(%0 : tensor<1x32x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %33 = arith.cmpf ugt, %in, %cst : f32
      %34 = arith.select %33, %in, %cst : f32
      linalg.yield %34 : f32
    } -> tensor<1x32x32x32xf32>
    %5 = tensor.empty() : tensor<1x64x32x32xf32>
    %broadcasted_6 = linalg.broadcast ins(%arg6 : tensor<64xf32>) outs(%5 : tensor<1x64x32x32xf32>) dimensions = [0, 2, 3] 
    %6 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%4, %arg5 : tensor<1x32x32x32xf32>, tensor<64x32x1x1xf32>) outs(%broadcasted_6 : tensor<1x64x32x32xf32>) -> tensor<1x64x32x32xf32>
    %7 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%6 : tensor<1x64x32x32xf32>) outs(%5 : tensor<1x64x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %33 = arith.cmpf ugt, %in, %cst : f32
      %34 = arith.select %33, %in, %cst : f32
      linalg.yield %34 : f32
    } -> tensor<1x64x32x32xf32>
    %8 = tensor.empty() : tensor<1x64x16x16xf32>
    %9 = linalg.fill ins(%cst_0 : f32) outs(%8 : tensor<1x64x16x16xf32>) -> tensor<1x64x16x16xf32>
    %10 = tensor.empty() : tensor<2x2xf32>
    %11 = linalg.pooling_nchw_max {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%7, %10 : tensor<1x64x32x32xf32>, tensor<2x2xf32>) outs(%9 : tensor<1x64x16x16xf32>) -> tensor<1x64x16x16xf32>
    %padded_7 = tensor.pad %11 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg18: index, %arg19: index, %arg20: index, %arg21: index):
      tensor.yield %cst : f32
    } : tensor<1x64x16x16xf32> to tensor<1x64x18x18xf32>
    %broadcasted_8 = linalg.broadcast ins(%arg8 : tensor<64xf32>) outs(%8 : tensor<1x64x16x16xf32>) dimensions = [0, 2, 3] 
    %expanded = tensor.expand_shape %padded_7 [[0], [1, 2], [3], [4]] output_shape [1, 4, 16, 18, 18] : tensor<1x64x18x18xf32> into tensor<1x4x16x18x18xf32>
    %expanded_9 = tensor.expand_shape %arg7 [[0, 1], [2], [3], [4]] output_shape [4, 16, 16, 3, 3] : tensor<64x16x3x3xf32> into tensor<4x16x16x3x3xf32>
    %expanded_10 = tensor.expand_shape %broadcasted_8 [[0], [1, 2], [3], [4]] output_shape [1, 4, 16, 16, 16] : tensor<1x64x16x16xf32> into tensor<1x4x16x16x16xf32>
    %12 = linalg.conv_2d_ngchw_gfchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%expanded, %expanded_9 : tensor<1x4x16x18x18xf32>, tensor<4x16x16x3x3xf32>) outs(%expanded_10 : tensor<1x4x16x16x16xf32>) -> tensor<1x4x16x16x16xf32>
    %collapsed_11 = tensor.collapse_shape %12 [[0], [1, 2], [3], [4]] : tensor<1x4x16x16x16xf32> into tensor<1x64x16x16xf32>
    %13 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_11 : tensor<1x64x16x16xf32>) outs(%8 : tensor<1x64x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %33 = arith.cmpf ugt, %in, %cst : f32
      %34 = arith.select %33, %in, %cst : f32
      linalg.yield %34 : f32
    } -> tensor<1x64x16x16xf32>
    %padded_12 = tensor.pad %13 low[0, 0, 2, 2] high[0, 0, 2, 2] {
    ^bb0(%arg18: index, %arg19: index, %arg20: index, %arg21: index):
      tensor.yield %cst : f32
    } : tensor<1x64x16x16xf32> to tensor<1x64x20x20xf32>
    %14 = tensor.empty() : tensor<1x32x8x16xf32>
    %broadcasted_13 = linalg.broadcast ins(%arg10 : tensor<32xf32>) outs(%14 : tensor<1x32x8x16xf32>) dimensions = [0, 2, 3] 
    %15 = linalg.conv_2d_nchw_fchw {dilations = dense<2> : vector<2xi64>, strides = dense<[2, 1]> : vector<2xi64>} ins(%padded_12, %arg9 : tensor<1x64x20x20xf32>, tensor<32x64x3x3xf32>) outs(%broadcasted_13 : tensor<1x32x8x16xf32>) -> tensor<1x32x8x16xf32>
    %16 = tensor.empty() : tensor<32xf32>
    %17 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel"]} ins(%arg16 : tensor<32xf32>) outs(%16 : tensor<32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %33 = arith.truncf %cst_2 : f64 to f32
      %34 = arith.addf %in, %33 : f32
      linalg.yield %34 : f32
    } -> tensor<32xf32>
    %18 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel"]} ins(%17 : tensor<32xf32>) outs(%16 : tensor<32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %33 = math.sqrt %in : f32
      linalg.yield %33 : f32
    } -> tensor<32xf32>
    %19 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel"]} ins(%18 : tensor<32xf32>) outs(%16 : tensor<32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %33 = arith.cmpf one, %in, %cst : f32
      cf.assert %33, "unimplemented: tensor with zero element"
      %34 = arith.divf %cst_1, %in : f32
      linalg.yield %34 : f32
    } -> tensor<32xf32>
    %expanded_14 = tensor.expand_shape %arg15 [[0, 1, 2]] output_shape [32, 1, 1] : tensor<32xf32> into tensor<32x1x1xf32>
    %expanded_15 = tensor.expand_shape %19 [[0, 1, 2]] output_shape [32, 1, 1] : tensor<32xf32> into tensor<32x1x1xf32>
    %20 = linalg.generic {indexing_maps = [#map, #map2, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%15, %expanded_14 : tensor<1x32x8x16xf32>, tensor<32x1x1xf32>) outs(%14 : tensor<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_18: f32, %out: f32):
      %33 = arith.subf %in, %in_18 : f32
      linalg.yield %33 : f32
    } -> tensor<1x32x8x16xf32>
    %21 = linalg.generic {indexing_maps = [#map, #map2, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%20, %expanded_15 : tensor<1x32x8x16xf32>, tensor<32x1x1xf32>) outs(%14 : tensor<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_18: f32, %out: f32):
      %33 = arith.mulf %in, %in_18 : f32
      linalg.yield %33 : f32
    } -> tensor<1x32x8x16xf32>
    %expanded_16 = tensor.expand_shape %arg11 [[0, 1, 2]] output_shape [32, 1, 1] : tensor<32xf32> into tensor<32x1x1xf32>
    %22 = linalg.generic {indexing_maps = [#map, #map2, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%21, %expanded_16 : tensor<1x32x8x16xf32>, tensor<32x1x1xf32>) outs(%14 : tensor<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_18: f32, %out: f32):
      %33 = arith.mulf %in, %in_18 : f32
      linalg.yield %33 : f32
    } -> tensor<1x32x8x16xf32>
    %expanded_17 = tensor.expand_shape %arg12 [[0, 1, 2]] output_shape [32, 1, 1] : tensor<32xf32> into tensor<32x1x1xf32>
    %23 = linalg.generic {indexing_maps = [#map, #map2, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%22, %expanded_17 : tensor<1x32x8x16xf32>, tensor<32x1x1xf32>) outs(%14 : tensor<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_18: f32, %out: f32):
      %33 = arith.addf %in, %in_18 : f32
      linalg.yield %33 : f32
    } -> tensor<1x32x8x16xf32>
    %24 = tensor.empty() : tensor<1x32xf32>
    %25 = linalg.fill ins(%cst : f32) outs(%24 : tensor<1x32xf32>) -> tensor<1x32xf32>
    %26 = linalg.generic {indexing_maps = [#map, #map3], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%23 : tensor<1x32x8x16xf32>) outs(%25 : tensor<1x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %33 = arith.addf %in, %out : f32
      linalg.yield %33 : f32
    } -> tensor<1x32xf32>
    %27 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel"]} ins(%26 : tensor<1x32xf32>) outs(%24 : tensor<1x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %33 = arith.divf %in, %cst_3 : f32
      linalg.yield %33 : f32
    } -> tensor<1x32xf32>
    %28 = tensor.empty() : tensor<32x10xf32>
    %transposed = linalg.transpose ins(%arg13 : tensor<10x32xf32>) outs(%28 : tensor<32x10xf32>) permutation = [1, 0] 
    %29 = tensor.empty() : tensor<1x10xf32>
    %30 = linalg.fill ins(%cst : f32) outs(%29 : tensor<1x10xf32>) -> tensor<1x10xf32>
    %31 = linalg.matmul ins(%27, %transposed : tensor<1x32xf32>, tensor<32x10xf32>) outs(%30 : tensor<1x10xf32>) -> tensor<1x10xf32>
    %32 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel"]} ins(%31, %arg14 : tensor<1x10xf32>, tensor<10xf32>) outs(%29 : tensor<1x10xf32>) {
    ^bb0(%in: f32, %in_18: f32, %out: f32):
      %33 = arith.addf %in, %in_18 : f32
      linalg.yield %33 : f32
    } -> tensor<1x10xf32>
    return %32 : tensor<1x10xf32>
  }
}
