// The CNN of cnn_linalg.mlir after mlir-opt 22.1.8 --linalg-generalize-named-ops.
#map = affine_map<(d0, d1, d2, d3) -> (d1)>
#map1 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map2 = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 * 2 + d5, d3 * 2 + d6)>
#map3 = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>
#map4 = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3)>
#map5 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d1 + d4, d2 + d5)>
#map6 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d3, d4, d5)>
#map7 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d1, d2)>
#map8 = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 + d5, d3 + d6)>
#map9 = affine_map<(d0, d1, d2, d3) -> ()>
#map10 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 * 2 + d4, d3 * 2 + d5)>
#map11 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d4, d5)>
#map12 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>
#map13 = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0, d1, d5, d3 + d6, d4 + d7)>
#map14 = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d1, d2, d5, d6, d7)>
#map15 = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0, d1, d2, d3, d4)>
#map16 = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 * 2 + d5 * 2, d3 + d6 * 2)>
#map17 = affine_map<(d0) -> (d0)>
#map18 = affine_map<(d0, d1, d2, d3) -> (d1, 0, 0)>
#map19 = affine_map<(d0, d1) -> ()>
#map20 = affine_map<(d0, d1) -> (d0, d1)>
#map21 = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
#map22 = affine_map<(d0, d1) -> (d1, d0)>
#map23 = affine_map<(d0, d1, d2) -> (d0, d2)>
#map24 = affine_map<(d0, d1, d2) -> (d2, d1)>
#map25 = affine_map<(d0, d1, d2) -> (d0, d1)>
#map26 = affine_map<(d0, d1) -> (d1)>
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
    %1 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%arg2 : tensor<32xf32>) outs(%0 : tensor<1x32x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<1x32x32x32xf32>
    %2 = linalg.generic {indexing_maps = [#map2, #map3, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%padded, %arg1 : tensor<1x3x66x66xf32>, tensor<32x3x3x3xf32>) outs(%1 : tensor<1x32x32x32xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.mulf %in, %in_14 : f32
      %40 = arith.addf %out, %39 : f32
      linalg.yield %40 : f32
    } -> tensor<1x32x32x32xf32>
    %3 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%2 : tensor<1x32x32x32xf32>) outs(%0 : tensor<1x32x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %39 = arith.cmpf ugt, %in, %cst : f32
      %40 = arith.select %39, %in, %cst : f32
      linalg.yield %40 : f32
    } -> tensor<1x32x32x32xf32>
    %padded_4 = tensor.pad %3 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg18: index, %arg19: index, %arg20: index, %arg21: index):
      tensor.yield %cst : f32
    } : tensor<1x32x32x32xf32> to tensor<1x32x34x34xf32>
    %4 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%arg4 : tensor<32xf32>) outs(%0 : tensor<1x32x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<1x32x32x32xf32>
    %collapsed = tensor.collapse_shape %arg3 [[0, 1], [2], [3]] : tensor<32x1x3x3xf32> into tensor<32x3x3xf32>
    %5 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%padded_4, %collapsed : tensor<1x32x34x34xf32>, tensor<32x3x3xf32>) outs(%4 : tensor<1x32x32x32xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.mulf %in, %in_14 : f32
      %40 = arith.addf %out, %39 : f32
      linalg.yield %40 : f32
    } -> tensor<1x32x32x32xf32>
    %6 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%5 : tensor<1x32x32x32xf32>) outs(%0 : tensor<1x32x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %39 = arith.cmpf ugt, %in, %cst : f32
      %40 = arith.select %39, %in, %cst : f32
      linalg.yield %40 : f32
    } -> tensor<1x32x32x32xf32>
    %7 = tensor.empty() : tensor<1x64x32x32xf32>
    %8 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%arg6 : tensor<64xf32>) outs(%7 : tensor<1x64x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<1x64x32x32xf32>
    %9 = linalg.generic {indexing_maps = [#map8, #map3, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%6, %arg5 : tensor<1x32x32x32xf32>, tensor<64x32x1x1xf32>) outs(%8 : tensor<1x64x32x32xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.mulf %in, %in_14 : f32
      %40 = arith.addf %out, %39 : f32
      linalg.yield %40 : f32
    } -> tensor<1x64x32x32xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%9 : tensor<1x64x32x32xf32>) outs(%7 : tensor<1x64x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %39 = arith.cmpf ugt, %in, %cst : f32
      %40 = arith.select %39, %in, %cst : f32
      linalg.yield %40 : f32
    } -> tensor<1x64x32x32xf32>
    %11 = tensor.empty() : tensor<1x64x16x16xf32>
    %12 = linalg.generic {indexing_maps = [#map9, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_0 : f32) outs(%11 : tensor<1x64x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<1x64x16x16xf32>
    %13 = tensor.empty() : tensor<2x2xf32>
    %14 = linalg.generic {indexing_maps = [#map10, #map11, #map12], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%10, %13 : tensor<1x64x32x32xf32>, tensor<2x2xf32>) outs(%12 : tensor<1x64x16x16xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.maximumf %out, %in : f32
      linalg.yield %39 : f32
    } -> tensor<1x64x16x16xf32>
    %padded_5 = tensor.pad %14 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg18: index, %arg19: index, %arg20: index, %arg21: index):
      tensor.yield %cst : f32
    } : tensor<1x64x16x16xf32> to tensor<1x64x18x18xf32>
    %15 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%arg8 : tensor<64xf32>) outs(%11 : tensor<1x64x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<1x64x16x16xf32>
    %expanded = tensor.expand_shape %padded_5 [[0], [1, 2], [3], [4]] output_shape [1, 4, 16, 18, 18] : tensor<1x64x18x18xf32> into tensor<1x4x16x18x18xf32>
    %expanded_6 = tensor.expand_shape %arg7 [[0, 1], [2], [3], [4]] output_shape [4, 16, 16, 3, 3] : tensor<64x16x3x3xf32> into tensor<4x16x16x3x3xf32>
    %expanded_7 = tensor.expand_shape %15 [[0], [1, 2], [3], [4]] output_shape [1, 4, 16, 16, 16] : tensor<1x64x16x16xf32> into tensor<1x4x16x16x16xf32>
    %16 = linalg.generic {indexing_maps = [#map13, #map14, #map15], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%expanded, %expanded_6 : tensor<1x4x16x18x18xf32>, tensor<4x16x16x3x3xf32>) outs(%expanded_7 : tensor<1x4x16x16x16xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.mulf %in, %in_14 : f32
      %40 = arith.addf %out, %39 : f32
      linalg.yield %40 : f32
    } -> tensor<1x4x16x16x16xf32>
    %collapsed_8 = tensor.collapse_shape %16 [[0], [1, 2], [3], [4]] : tensor<1x4x16x16x16xf32> into tensor<1x64x16x16xf32>
    %17 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_8 : tensor<1x64x16x16xf32>) outs(%11 : tensor<1x64x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %39 = arith.cmpf ugt, %in, %cst : f32
      %40 = arith.select %39, %in, %cst : f32
      linalg.yield %40 : f32
    } -> tensor<1x64x16x16xf32>
    %padded_9 = tensor.pad %17 low[0, 0, 2, 2] high[0, 0, 2, 2] {
    ^bb0(%arg18: index, %arg19: index, %arg20: index, %arg21: index):
      tensor.yield %cst : f32
    } : tensor<1x64x16x16xf32> to tensor<1x64x20x20xf32>
    %18 = tensor.empty() : tensor<1x32x8x16xf32>
    %19 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%arg10 : tensor<32xf32>) outs(%18 : tensor<1x32x8x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<1x32x8x16xf32>
    %20 = linalg.generic {indexing_maps = [#map16, #map3, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%padded_9, %arg9 : tensor<1x64x20x20xf32>, tensor<32x64x3x3xf32>) outs(%19 : tensor<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.mulf %in, %in_14 : f32
      %40 = arith.addf %out, %39 : f32
      linalg.yield %40 : f32
    } -> tensor<1x32x8x16xf32>
    %21 = tensor.empty() : tensor<32xf32>
    %22 = linalg.generic {indexing_maps = [#map17, #map17], iterator_types = ["parallel"]} ins(%arg16 : tensor<32xf32>) outs(%21 : tensor<32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %39 = arith.truncf %cst_2 : f64 to f32
      %40 = arith.addf %in, %39 : f32
      linalg.yield %40 : f32
    } -> tensor<32xf32>
    %23 = linalg.generic {indexing_maps = [#map17, #map17], iterator_types = ["parallel"]} ins(%22 : tensor<32xf32>) outs(%21 : tensor<32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %39 = math.sqrt %in : f32
      linalg.yield %39 : f32
    } -> tensor<32xf32>
    %24 = linalg.generic {indexing_maps = [#map17, #map17], iterator_types = ["parallel"]} ins(%23 : tensor<32xf32>) outs(%21 : tensor<32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %39 = arith.cmpf one, %in, %cst : f32
      cf.assert %39, "unimplemented: tensor with zero element"
      %40 = arith.divf %cst_1, %in : f32
      linalg.yield %40 : f32
    } -> tensor<32xf32>
    %expanded_10 = tensor.expand_shape %arg15 [[0, 1, 2]] output_shape [32, 1, 1] : tensor<32xf32> into tensor<32x1x1xf32>
    %expanded_11 = tensor.expand_shape %24 [[0, 1, 2]] output_shape [32, 1, 1] : tensor<32xf32> into tensor<32x1x1xf32>
    %25 = linalg.generic {indexing_maps = [#map1, #map18, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%20, %expanded_10 : tensor<1x32x8x16xf32>, tensor<32x1x1xf32>) outs(%18 : tensor<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.subf %in, %in_14 : f32
      linalg.yield %39 : f32
    } -> tensor<1x32x8x16xf32>
    %26 = linalg.generic {indexing_maps = [#map1, #map18, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%25, %expanded_11 : tensor<1x32x8x16xf32>, tensor<32x1x1xf32>) outs(%18 : tensor<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.mulf %in, %in_14 : f32
      linalg.yield %39 : f32
    } -> tensor<1x32x8x16xf32>
    %expanded_12 = tensor.expand_shape %arg11 [[0, 1, 2]] output_shape [32, 1, 1] : tensor<32xf32> into tensor<32x1x1xf32>
    %27 = linalg.generic {indexing_maps = [#map1, #map18, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%26, %expanded_12 : tensor<1x32x8x16xf32>, tensor<32x1x1xf32>) outs(%18 : tensor<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.mulf %in, %in_14 : f32
      linalg.yield %39 : f32
    } -> tensor<1x32x8x16xf32>
    %expanded_13 = tensor.expand_shape %arg12 [[0, 1, 2]] output_shape [32, 1, 1] : tensor<32xf32> into tensor<32x1x1xf32>
    %28 = linalg.generic {indexing_maps = [#map1, #map18, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%27, %expanded_13 : tensor<1x32x8x16xf32>, tensor<32x1x1xf32>) outs(%18 : tensor<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.addf %in, %in_14 : f32
      linalg.yield %39 : f32
    } -> tensor<1x32x8x16xf32>
    %29 = tensor.empty() : tensor<1x32xf32>
    %30 = linalg.generic {indexing_maps = [#map19, #map20], iterator_types = ["parallel", "parallel"]} ins(%cst : f32) outs(%29 : tensor<1x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<1x32xf32>
    %31 = linalg.generic {indexing_maps = [#map1, #map21], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%28 : tensor<1x32x8x16xf32>) outs(%30 : tensor<1x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %39 = arith.addf %in, %out : f32
      linalg.yield %39 : f32
    } -> tensor<1x32xf32>
    %32 = linalg.generic {indexing_maps = [#map20, #map20], iterator_types = ["parallel", "parallel"]} ins(%31 : tensor<1x32xf32>) outs(%29 : tensor<1x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %39 = arith.divf %in, %cst_3 : f32
      linalg.yield %39 : f32
    } -> tensor<1x32xf32>
    %33 = tensor.empty() : tensor<32x10xf32>
    %34 = linalg.generic {indexing_maps = [#map22, #map20], iterator_types = ["parallel", "parallel"]} ins(%arg13 : tensor<10x32xf32>) outs(%33 : tensor<32x10xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<32x10xf32>
    %35 = tensor.empty() : tensor<1x10xf32>
    %36 = linalg.generic {indexing_maps = [#map19, #map20], iterator_types = ["parallel", "parallel"]} ins(%cst : f32) outs(%35 : tensor<1x10xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<1x10xf32>
    %37 = linalg.generic {indexing_maps = [#map23, #map24, #map25], iterator_types = ["parallel", "parallel", "reduction"]} ins(%32, %34 : tensor<1x32xf32>, tensor<32x10xf32>) outs(%36 : tensor<1x10xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.mulf %in, %in_14 : f32
      %40 = arith.addf %out, %39 : f32
      linalg.yield %40 : f32
    } -> tensor<1x10xf32>
    %38 = linalg.generic {indexing_maps = [#map20, #map26, #map20], iterator_types = ["parallel", "parallel"]} ins(%37, %arg14 : tensor<1x10xf32>, tensor<10xf32>) outs(%35 : tensor<1x10xf32>) {
    ^bb0(%in: f32, %in_14: f32, %out: f32):
      %39 = arith.addf %in, %in_14 : f32
      linalg.yield %39 : f32
    } -> tensor<1x10xf32>
    return %38 : tensor<1x10xf32>
  }
}

