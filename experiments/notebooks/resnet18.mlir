// ResNet-18 for one image of 224 x 224, as PyTorch 2.13.0, torchvision 0.28.0 and torch-mlir 20261001
// print it; weights are arguments. The code that makes it is in model_to_accelerator.py.
#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map2 = affine_map<(d0, d1, d2, d3) -> (d1, 0, 0)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, 0)>
#map4 = affine_map<(d0, d1) -> (d0, d1)>
#map5 = affine_map<(d0, d1) -> (d1)>
module {
  func.func @main(%arg0: tensor<1x3x224x224xf32>, %arg1: tensor<64x3x7x7xf32>, %arg2: tensor<64xf32>, %arg3: tensor<64xf32>, %arg4: tensor<64x64x3x3xf32>, %arg5: tensor<64xf32>, %arg6: tensor<64xf32>, %arg7: tensor<64x64x3x3xf32>, %arg8: tensor<64xf32>, %arg9: tensor<64xf32>, %arg10: tensor<64x64x3x3xf32>, %arg11: tensor<64xf32>, %arg12: tensor<64xf32>, %arg13: tensor<64x64x3x3xf32>, %arg14: tensor<64xf32>, %arg15: tensor<64xf32>, %arg16: tensor<128x64x3x3xf32>, %arg17: tensor<128xf32>, %arg18: tensor<128xf32>, %arg19: tensor<128x128x3x3xf32>, %arg20: tensor<128xf32>, %arg21: tensor<128xf32>, %arg22: tensor<128x64x1x1xf32>, %arg23: tensor<128xf32>, %arg24: tensor<128xf32>, %arg25: tensor<128x128x3x3xf32>, %arg26: tensor<128xf32>, %arg27: tensor<128xf32>, %arg28: tensor<128x128x3x3xf32>, %arg29: tensor<128xf32>, %arg30: tensor<128xf32>, %arg31: tensor<256x128x3x3xf32>, %arg32: tensor<256xf32>, %arg33: tensor<256xf32>, %arg34: tensor<256x256x3x3xf32>, %arg35: tensor<256xf32>, %arg36: tensor<256xf32>, %arg37: tensor<256x128x1x1xf32>, %arg38: tensor<256xf32>, %arg39: tensor<256xf32>, %arg40: tensor<256x256x3x3xf32>, %arg41: tensor<256xf32>, %arg42: tensor<256xf32>, %arg43: tensor<256x256x3x3xf32>, %arg44: tensor<256xf32>, %arg45: tensor<256xf32>, %arg46: tensor<512x256x3x3xf32>, %arg47: tensor<512xf32>, %arg48: tensor<512xf32>, %arg49: tensor<512x512x3x3xf32>, %arg50: tensor<512xf32>, %arg51: tensor<512xf32>, %arg52: tensor<512x256x1x1xf32>, %arg53: tensor<512xf32>, %arg54: tensor<512xf32>, %arg55: tensor<512x512x3x3xf32>, %arg56: tensor<512xf32>, %arg57: tensor<512xf32>, %arg58: tensor<512x512x3x3xf32>, %arg59: tensor<512xf32>, %arg60: tensor<512xf32>, %arg61: tensor<1000x512xf32>, %arg62: tensor<1000xf32>, %arg63: tensor<64xf32>, %arg64: tensor<64xf32>, %arg65: tensor<i64>, %arg66: tensor<64xf32>, %arg67: tensor<64xf32>, %arg68: tensor<i64>, %arg69: tensor<64xf32>, %arg70: tensor<64xf32>, %arg71: tensor<i64>, %arg72: tensor<64xf32>, %arg73: tensor<64xf32>, %arg74: tensor<i64>, %arg75: tensor<64xf32>, %arg76: tensor<64xf32>, %arg77: tensor<i64>, %arg78: tensor<128xf32>, %arg79: tensor<128xf32>, %arg80: tensor<i64>, %arg81: tensor<128xf32>, %arg82: tensor<128xf32>, %arg83: tensor<i64>, %arg84: tensor<128xf32>, %arg85: tensor<128xf32>, %arg86: tensor<i64>, %arg87: tensor<128xf32>, %arg88: tensor<128xf32>, %arg89: tensor<i64>, %arg90: tensor<128xf32>, %arg91: tensor<128xf32>, %arg92: tensor<i64>, %arg93: tensor<256xf32>, %arg94: tensor<256xf32>, %arg95: tensor<i64>, %arg96: tensor<256xf32>, %arg97: tensor<256xf32>, %arg98: tensor<i64>, %arg99: tensor<256xf32>, %arg100: tensor<256xf32>, %arg101: tensor<i64>, %arg102: tensor<256xf32>, %arg103: tensor<256xf32>, %arg104: tensor<i64>, %arg105: tensor<256xf32>, %arg106: tensor<256xf32>, %arg107: tensor<i64>, %arg108: tensor<512xf32>, %arg109: tensor<512xf32>, %arg110: tensor<i64>, %arg111: tensor<512xf32>, %arg112: tensor<512xf32>, %arg113: tensor<i64>, %arg114: tensor<512xf32>, %arg115: tensor<512xf32>, %arg116: tensor<i64>, %arg117: tensor<512xf32>, %arg118: tensor<512xf32>, %arg119: tensor<i64>, %arg120: tensor<512xf32>, %arg121: tensor<512xf32>, %arg122: tensor<i64>) -> tensor<1x1000xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 1.000000e+00 : f32
    %cst_1 = arith.constant 0xFF800000 : f32
    %cst_2 = arith.constant 1.000000e-05 : f64
    %cst_3 = arith.constant 4.900000e+01 : f32
    %padded = tensor.pad %arg0 low[0, 0, 3, 3] high[0, 0, 3, 3] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x3x224x224xf32> to tensor<1x3x230x230xf32>
    %0 = tensor.empty() : tensor<1x64x112x112xf32>
    %1 = linalg.fill ins(%cst : f32) outs(%0 : tensor<1x64x112x112xf32>) -> tensor<1x64x112x112xf32>
    %2 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%padded, %arg1 : tensor<1x3x230x230xf32>, tensor<64x3x7x7xf32>) outs(%1 : tensor<1x64x112x112xf32>) -> tensor<1x64x112x112xf32>
    %3 = tensor.empty() : tensor<64xf32>
    %4 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg64 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<64xf32>
    %5 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%4 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<64xf32>
    %6 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%5 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<64xf32>
    %expanded = tensor.expand_shape %arg63 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %expanded_4 = tensor.expand_shape %6 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %7 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%2, %expanded : tensor<1x64x112x112xf32>, tensor<64x1x1xf32>) outs(%0 : tensor<1x64x112x112xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x112x112xf32>
    %8 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%7, %expanded_4 : tensor<1x64x112x112xf32>, tensor<64x1x1xf32>) outs(%0 : tensor<1x64x112x112xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x112x112xf32>
    %expanded_5 = tensor.expand_shape %arg2 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %9 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%8, %expanded_5 : tensor<1x64x112x112xf32>, tensor<64x1x1xf32>) outs(%0 : tensor<1x64x112x112xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x112x112xf32>
    %expanded_6 = tensor.expand_shape %arg3 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%9, %expanded_6 : tensor<1x64x112x112xf32>, tensor<64x1x1xf32>) outs(%0 : tensor<1x64x112x112xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x112x112xf32>
    %11 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%10 : tensor<1x64x112x112xf32>) outs(%0 : tensor<1x64x112x112xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x64x112x112xf32>
    %padded_7 = tensor.pad %11 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst_1 : f32
    } : tensor<1x64x112x112xf32> to tensor<1x64x114x114xf32>
    %12 = tensor.empty() : tensor<1x64x56x56xf32>
    %13 = linalg.fill ins(%cst_1 : f32) outs(%12 : tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
    %14 = tensor.empty() : tensor<3x3xf32>
    %15 = linalg.pooling_nchw_max {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%padded_7, %14 : tensor<1x64x114x114xf32>, tensor<3x3xf32>) outs(%13 : tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
    %padded_8 = tensor.pad %15 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x64x56x56xf32> to tensor<1x64x58x58xf32>
    %16 = linalg.fill ins(%cst : f32) outs(%12 : tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
    %17 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_8, %arg4 : tensor<1x64x58x58xf32>, tensor<64x64x3x3xf32>) outs(%16 : tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
    %18 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg67 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<64xf32>
    %19 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%18 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<64xf32>
    %20 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%19 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<64xf32>
    %expanded_9 = tensor.expand_shape %arg66 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %expanded_10 = tensor.expand_shape %20 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %21 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%17, %expanded_9 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %22 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%21, %expanded_10 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %expanded_11 = tensor.expand_shape %arg5 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %23 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%22, %expanded_11 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %expanded_12 = tensor.expand_shape %arg6 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %24 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%23, %expanded_12 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %25 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%24 : tensor<1x64x56x56xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x64x56x56xf32>
    %padded_13 = tensor.pad %25 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x64x56x56xf32> to tensor<1x64x58x58xf32>
    %26 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_13, %arg7 : tensor<1x64x58x58xf32>, tensor<64x64x3x3xf32>) outs(%16 : tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
    %27 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg70 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<64xf32>
    %28 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%27 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<64xf32>
    %29 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%28 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<64xf32>
    %expanded_14 = tensor.expand_shape %arg69 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %expanded_15 = tensor.expand_shape %29 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %30 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%26, %expanded_14 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %31 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%30, %expanded_15 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %expanded_16 = tensor.expand_shape %arg8 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %32 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%31, %expanded_16 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %expanded_17 = tensor.expand_shape %arg9 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %33 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%32, %expanded_17 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %34 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%33, %15 : tensor<1x64x56x56xf32>, tensor<1x64x56x56xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %35 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%34 : tensor<1x64x56x56xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x64x56x56xf32>
    %padded_18 = tensor.pad %35 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x64x56x56xf32> to tensor<1x64x58x58xf32>
    %36 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_18, %arg10 : tensor<1x64x58x58xf32>, tensor<64x64x3x3xf32>) outs(%16 : tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
    %37 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg73 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<64xf32>
    %38 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%37 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<64xf32>
    %39 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%38 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<64xf32>
    %expanded_19 = tensor.expand_shape %arg72 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %expanded_20 = tensor.expand_shape %39 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %40 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%36, %expanded_19 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %41 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%40, %expanded_20 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %expanded_21 = tensor.expand_shape %arg11 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %42 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%41, %expanded_21 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %expanded_22 = tensor.expand_shape %arg12 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %43 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%42, %expanded_22 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %44 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%43 : tensor<1x64x56x56xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x64x56x56xf32>
    %padded_23 = tensor.pad %44 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x64x56x56xf32> to tensor<1x64x58x58xf32>
    %45 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_23, %arg13 : tensor<1x64x58x58xf32>, tensor<64x64x3x3xf32>) outs(%16 : tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
    %46 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg76 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<64xf32>
    %47 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%46 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<64xf32>
    %48 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%47 : tensor<64xf32>) outs(%3 : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<64xf32>
    %expanded_24 = tensor.expand_shape %arg75 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %expanded_25 = tensor.expand_shape %48 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %49 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%45, %expanded_24 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %50 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%49, %expanded_25 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %expanded_26 = tensor.expand_shape %arg14 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %51 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%50, %expanded_26 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %expanded_27 = tensor.expand_shape %arg15 [[0, 1, 2]] output_shape [64, 1, 1] : tensor<64xf32> into tensor<64x1x1xf32>
    %52 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%51, %expanded_27 : tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %53 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%52, %35 : tensor<1x64x56x56xf32>, tensor<1x64x56x56xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x64x56x56xf32>
    %54 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%53 : tensor<1x64x56x56xf32>) outs(%12 : tensor<1x64x56x56xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x64x56x56xf32>
    %padded_28 = tensor.pad %54 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x64x56x56xf32> to tensor<1x64x58x58xf32>
    %55 = tensor.empty() : tensor<1x128x28x28xf32>
    %56 = linalg.fill ins(%cst : f32) outs(%55 : tensor<1x128x28x28xf32>) -> tensor<1x128x28x28xf32>
    %57 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%padded_28, %arg16 : tensor<1x64x58x58xf32>, tensor<128x64x3x3xf32>) outs(%56 : tensor<1x128x28x28xf32>) -> tensor<1x128x28x28xf32>
    %58 = tensor.empty() : tensor<128xf32>
    %59 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg79 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<128xf32>
    %60 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%59 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<128xf32>
    %61 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%60 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<128xf32>
    %expanded_29 = tensor.expand_shape %arg78 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %expanded_30 = tensor.expand_shape %61 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %62 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%57, %expanded_29 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %63 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%62, %expanded_30 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %expanded_31 = tensor.expand_shape %arg17 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %64 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%63, %expanded_31 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %expanded_32 = tensor.expand_shape %arg18 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %65 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%64, %expanded_32 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %66 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%65 : tensor<1x128x28x28xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x128x28x28xf32>
    %padded_33 = tensor.pad %66 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x128x28x28xf32> to tensor<1x128x30x30xf32>
    %67 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_33, %arg19 : tensor<1x128x30x30xf32>, tensor<128x128x3x3xf32>) outs(%56 : tensor<1x128x28x28xf32>) -> tensor<1x128x28x28xf32>
    %68 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg82 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<128xf32>
    %69 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%68 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<128xf32>
    %70 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%69 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<128xf32>
    %expanded_34 = tensor.expand_shape %arg81 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %expanded_35 = tensor.expand_shape %70 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %71 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%67, %expanded_34 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %72 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%71, %expanded_35 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %expanded_36 = tensor.expand_shape %arg20 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %73 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%72, %expanded_36 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %expanded_37 = tensor.expand_shape %arg21 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %74 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%73, %expanded_37 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %75 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%54, %arg22 : tensor<1x64x56x56xf32>, tensor<128x64x1x1xf32>) outs(%56 : tensor<1x128x28x28xf32>) -> tensor<1x128x28x28xf32>
    %76 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg85 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<128xf32>
    %77 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%76 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<128xf32>
    %78 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%77 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<128xf32>
    %expanded_38 = tensor.expand_shape %arg84 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %expanded_39 = tensor.expand_shape %78 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %79 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%75, %expanded_38 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %80 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%79, %expanded_39 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %expanded_40 = tensor.expand_shape %arg23 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %81 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%80, %expanded_40 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %expanded_41 = tensor.expand_shape %arg24 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %82 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%81, %expanded_41 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %83 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%74, %82 : tensor<1x128x28x28xf32>, tensor<1x128x28x28xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %84 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%83 : tensor<1x128x28x28xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x128x28x28xf32>
    %padded_42 = tensor.pad %84 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x128x28x28xf32> to tensor<1x128x30x30xf32>
    %85 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_42, %arg25 : tensor<1x128x30x30xf32>, tensor<128x128x3x3xf32>) outs(%56 : tensor<1x128x28x28xf32>) -> tensor<1x128x28x28xf32>
    %86 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg88 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<128xf32>
    %87 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%86 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<128xf32>
    %88 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%87 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<128xf32>
    %expanded_43 = tensor.expand_shape %arg87 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %expanded_44 = tensor.expand_shape %88 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %89 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%85, %expanded_43 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %90 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%89, %expanded_44 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %expanded_45 = tensor.expand_shape %arg26 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %91 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%90, %expanded_45 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %expanded_46 = tensor.expand_shape %arg27 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %92 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%91, %expanded_46 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %93 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%92 : tensor<1x128x28x28xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x128x28x28xf32>
    %padded_47 = tensor.pad %93 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x128x28x28xf32> to tensor<1x128x30x30xf32>
    %94 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_47, %arg28 : tensor<1x128x30x30xf32>, tensor<128x128x3x3xf32>) outs(%56 : tensor<1x128x28x28xf32>) -> tensor<1x128x28x28xf32>
    %95 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg91 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<128xf32>
    %96 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%95 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<128xf32>
    %97 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%96 : tensor<128xf32>) outs(%58 : tensor<128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<128xf32>
    %expanded_48 = tensor.expand_shape %arg90 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %expanded_49 = tensor.expand_shape %97 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %98 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%94, %expanded_48 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %99 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%98, %expanded_49 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %expanded_50 = tensor.expand_shape %arg29 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %100 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%99, %expanded_50 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %expanded_51 = tensor.expand_shape %arg30 [[0, 1, 2]] output_shape [128, 1, 1] : tensor<128xf32> into tensor<128x1x1xf32>
    %101 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%100, %expanded_51 : tensor<1x128x28x28xf32>, tensor<128x1x1xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %102 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%101, %84 : tensor<1x128x28x28xf32>, tensor<1x128x28x28xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x128x28x28xf32>
    %103 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%102 : tensor<1x128x28x28xf32>) outs(%55 : tensor<1x128x28x28xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x128x28x28xf32>
    %padded_52 = tensor.pad %103 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x128x28x28xf32> to tensor<1x128x30x30xf32>
    %104 = tensor.empty() : tensor<1x256x14x14xf32>
    %105 = linalg.fill ins(%cst : f32) outs(%104 : tensor<1x256x14x14xf32>) -> tensor<1x256x14x14xf32>
    %106 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%padded_52, %arg31 : tensor<1x128x30x30xf32>, tensor<256x128x3x3xf32>) outs(%105 : tensor<1x256x14x14xf32>) -> tensor<1x256x14x14xf32>
    %107 = tensor.empty() : tensor<256xf32>
    %108 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg94 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<256xf32>
    %109 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%108 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<256xf32>
    %110 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%109 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<256xf32>
    %expanded_53 = tensor.expand_shape %arg93 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %expanded_54 = tensor.expand_shape %110 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %111 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%106, %expanded_53 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %112 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%111, %expanded_54 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %expanded_55 = tensor.expand_shape %arg32 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %113 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%112, %expanded_55 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %expanded_56 = tensor.expand_shape %arg33 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %114 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%113, %expanded_56 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %115 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%114 : tensor<1x256x14x14xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x256x14x14xf32>
    %padded_57 = tensor.pad %115 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x256x14x14xf32> to tensor<1x256x16x16xf32>
    %116 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_57, %arg34 : tensor<1x256x16x16xf32>, tensor<256x256x3x3xf32>) outs(%105 : tensor<1x256x14x14xf32>) -> tensor<1x256x14x14xf32>
    %117 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg97 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<256xf32>
    %118 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%117 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<256xf32>
    %119 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%118 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<256xf32>
    %expanded_58 = tensor.expand_shape %arg96 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %expanded_59 = tensor.expand_shape %119 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %120 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%116, %expanded_58 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %121 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%120, %expanded_59 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %expanded_60 = tensor.expand_shape %arg35 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %122 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%121, %expanded_60 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %expanded_61 = tensor.expand_shape %arg36 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %123 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%122, %expanded_61 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %124 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%103, %arg37 : tensor<1x128x28x28xf32>, tensor<256x128x1x1xf32>) outs(%105 : tensor<1x256x14x14xf32>) -> tensor<1x256x14x14xf32>
    %125 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg100 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<256xf32>
    %126 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%125 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<256xf32>
    %127 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%126 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<256xf32>
    %expanded_62 = tensor.expand_shape %arg99 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %expanded_63 = tensor.expand_shape %127 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %128 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%124, %expanded_62 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %129 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%128, %expanded_63 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %expanded_64 = tensor.expand_shape %arg38 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %130 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%129, %expanded_64 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %expanded_65 = tensor.expand_shape %arg39 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %131 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%130, %expanded_65 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %132 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%123, %131 : tensor<1x256x14x14xf32>, tensor<1x256x14x14xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %133 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%132 : tensor<1x256x14x14xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x256x14x14xf32>
    %padded_66 = tensor.pad %133 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x256x14x14xf32> to tensor<1x256x16x16xf32>
    %134 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_66, %arg40 : tensor<1x256x16x16xf32>, tensor<256x256x3x3xf32>) outs(%105 : tensor<1x256x14x14xf32>) -> tensor<1x256x14x14xf32>
    %135 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg103 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<256xf32>
    %136 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%135 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<256xf32>
    %137 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%136 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<256xf32>
    %expanded_67 = tensor.expand_shape %arg102 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %expanded_68 = tensor.expand_shape %137 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %138 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%134, %expanded_67 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %139 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%138, %expanded_68 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %expanded_69 = tensor.expand_shape %arg41 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %140 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%139, %expanded_69 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %expanded_70 = tensor.expand_shape %arg42 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %141 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%140, %expanded_70 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %142 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%141 : tensor<1x256x14x14xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x256x14x14xf32>
    %padded_71 = tensor.pad %142 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x256x14x14xf32> to tensor<1x256x16x16xf32>
    %143 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_71, %arg43 : tensor<1x256x16x16xf32>, tensor<256x256x3x3xf32>) outs(%105 : tensor<1x256x14x14xf32>) -> tensor<1x256x14x14xf32>
    %144 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg106 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<256xf32>
    %145 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%144 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<256xf32>
    %146 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%145 : tensor<256xf32>) outs(%107 : tensor<256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<256xf32>
    %expanded_72 = tensor.expand_shape %arg105 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %expanded_73 = tensor.expand_shape %146 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %147 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%143, %expanded_72 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %148 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%147, %expanded_73 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %expanded_74 = tensor.expand_shape %arg44 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %149 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%148, %expanded_74 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %expanded_75 = tensor.expand_shape %arg45 [[0, 1, 2]] output_shape [256, 1, 1] : tensor<256xf32> into tensor<256x1x1xf32>
    %150 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%149, %expanded_75 : tensor<1x256x14x14xf32>, tensor<256x1x1xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %151 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%150, %133 : tensor<1x256x14x14xf32>, tensor<1x256x14x14xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x256x14x14xf32>
    %152 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%151 : tensor<1x256x14x14xf32>) outs(%104 : tensor<1x256x14x14xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x256x14x14xf32>
    %padded_76 = tensor.pad %152 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x256x14x14xf32> to tensor<1x256x16x16xf32>
    %153 = tensor.empty() : tensor<1x512x7x7xf32>
    %154 = linalg.fill ins(%cst : f32) outs(%153 : tensor<1x512x7x7xf32>) -> tensor<1x512x7x7xf32>
    %155 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%padded_76, %arg46 : tensor<1x256x16x16xf32>, tensor<512x256x3x3xf32>) outs(%154 : tensor<1x512x7x7xf32>) -> tensor<1x512x7x7xf32>
    %156 = tensor.empty() : tensor<512xf32>
    %157 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg109 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<512xf32>
    %158 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%157 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<512xf32>
    %159 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%158 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<512xf32>
    %expanded_77 = tensor.expand_shape %arg108 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %expanded_78 = tensor.expand_shape %159 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %160 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%155, %expanded_77 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %161 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%160, %expanded_78 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %expanded_79 = tensor.expand_shape %arg47 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %162 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%161, %expanded_79 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %expanded_80 = tensor.expand_shape %arg48 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %163 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%162, %expanded_80 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %164 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%163 : tensor<1x512x7x7xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x512x7x7xf32>
    %padded_81 = tensor.pad %164 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x512x7x7xf32> to tensor<1x512x9x9xf32>
    %165 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_81, %arg49 : tensor<1x512x9x9xf32>, tensor<512x512x3x3xf32>) outs(%154 : tensor<1x512x7x7xf32>) -> tensor<1x512x7x7xf32>
    %166 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg112 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<512xf32>
    %167 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%166 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<512xf32>
    %168 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%167 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<512xf32>
    %expanded_82 = tensor.expand_shape %arg111 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %expanded_83 = tensor.expand_shape %168 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %169 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%165, %expanded_82 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %170 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%169, %expanded_83 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %expanded_84 = tensor.expand_shape %arg50 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %171 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%170, %expanded_84 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %expanded_85 = tensor.expand_shape %arg51 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %172 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%171, %expanded_85 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %173 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%152, %arg52 : tensor<1x256x14x14xf32>, tensor<512x256x1x1xf32>) outs(%154 : tensor<1x512x7x7xf32>) -> tensor<1x512x7x7xf32>
    %174 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg115 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<512xf32>
    %175 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%174 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<512xf32>
    %176 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%175 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<512xf32>
    %expanded_86 = tensor.expand_shape %arg114 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %expanded_87 = tensor.expand_shape %176 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %177 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%173, %expanded_86 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %178 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%177, %expanded_87 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %expanded_88 = tensor.expand_shape %arg53 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %179 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%178, %expanded_88 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %expanded_89 = tensor.expand_shape %arg54 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %180 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%179, %expanded_89 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %181 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%172, %180 : tensor<1x512x7x7xf32>, tensor<1x512x7x7xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %182 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%181 : tensor<1x512x7x7xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x512x7x7xf32>
    %padded_90 = tensor.pad %182 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x512x7x7xf32> to tensor<1x512x9x9xf32>
    %183 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_90, %arg55 : tensor<1x512x9x9xf32>, tensor<512x512x3x3xf32>) outs(%154 : tensor<1x512x7x7xf32>) -> tensor<1x512x7x7xf32>
    %184 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg118 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<512xf32>
    %185 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%184 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<512xf32>
    %186 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%185 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<512xf32>
    %expanded_91 = tensor.expand_shape %arg117 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %expanded_92 = tensor.expand_shape %186 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %187 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%183, %expanded_91 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %188 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%187, %expanded_92 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %expanded_93 = tensor.expand_shape %arg56 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %189 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%188, %expanded_93 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %expanded_94 = tensor.expand_shape %arg57 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %190 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%189, %expanded_94 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %191 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%190 : tensor<1x512x7x7xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x512x7x7xf32>
    %padded_95 = tensor.pad %191 low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%arg123: index, %arg124: index, %arg125: index, %arg126: index):
      tensor.yield %cst : f32
    } : tensor<1x512x7x7xf32> to tensor<1x512x9x9xf32>
    %192 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%padded_95, %arg58 : tensor<1x512x9x9xf32>, tensor<512x512x3x3xf32>) outs(%154 : tensor<1x512x7x7xf32>) -> tensor<1x512x7x7xf32>
    %193 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg121 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.truncf %cst_2 : f64 to f32
      %212 = arith.addf %in, %211 : f32
      linalg.yield %212 : f32
    } -> tensor<512xf32>
    %194 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%193 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = math.sqrt %in : f32
      linalg.yield %211 : f32
    } -> tensor<512xf32>
    %195 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%194 : tensor<512xf32>) outs(%156 : tensor<512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf one, %in, %cst : f32
      cf.assert %211, "unimplemented: tensor with zero element"
      %212 = arith.divf %cst_0, %in : f32
      linalg.yield %212 : f32
    } -> tensor<512xf32>
    %expanded_96 = tensor.expand_shape %arg120 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %expanded_97 = tensor.expand_shape %195 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %196 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%192, %expanded_96 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.subf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %197 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%196, %expanded_97 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %expanded_98 = tensor.expand_shape %arg59 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %198 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%197, %expanded_98 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.mulf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %expanded_99 = tensor.expand_shape %arg60 [[0, 1, 2]] output_shape [512, 1, 1] : tensor<512xf32> into tensor<512x1x1xf32>
    %199 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%198, %expanded_99 : tensor<1x512x7x7xf32>, tensor<512x1x1xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %200 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%199, %182 : tensor<1x512x7x7xf32>, tensor<1x512x7x7xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x7x7xf32>
    %201 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%200 : tensor<1x512x7x7xf32>) outs(%153 : tensor<1x512x7x7xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.cmpf ugt, %in, %cst : f32
      %212 = arith.select %211, %in, %cst : f32
      linalg.yield %212 : f32
    } -> tensor<1x512x7x7xf32>
    %202 = tensor.empty() : tensor<1x512x1x1xf32>
    %203 = linalg.fill ins(%cst : f32) outs(%202 : tensor<1x512x1x1xf32>) -> tensor<1x512x1x1xf32>
    %204 = linalg.generic {indexing_maps = [#map1, #map3], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%201 : tensor<1x512x7x7xf32>) outs(%203 : tensor<1x512x1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.addf %in, %out : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x1x1xf32>
    %205 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%204 : tensor<1x512x1x1xf32>) outs(%202 : tensor<1x512x1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %211 = arith.divf %in, %cst_3 : f32
      linalg.yield %211 : f32
    } -> tensor<1x512x1x1xf32>
    %collapsed = tensor.collapse_shape %205 [[0], [1, 2, 3]] : tensor<1x512x1x1xf32> into tensor<1x512xf32>
    %206 = tensor.empty() : tensor<512x1000xf32>
    %transposed = linalg.transpose ins(%arg61 : tensor<1000x512xf32>) outs(%206 : tensor<512x1000xf32>) permutation = [1, 0] 
    %207 = tensor.empty() : tensor<1x1000xf32>
    %208 = linalg.fill ins(%cst : f32) outs(%207 : tensor<1x1000xf32>) -> tensor<1x1000xf32>
    %209 = linalg.matmul ins(%collapsed, %transposed : tensor<1x512xf32>, tensor<512x1000xf32>) outs(%208 : tensor<1x1000xf32>) -> tensor<1x1000xf32>
    %210 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel"]} ins(%209, %arg62 : tensor<1x1000xf32>, tensor<1000xf32>) outs(%207 : tensor<1x1000xf32>) {
    ^bb0(%in: f32, %in_100: f32, %out: f32):
      %211 = arith.addf %in, %in_100 : f32
      linalg.yield %211 : f32
    } -> tensor<1x1000xf32>
    return %210 : tensor<1x1000xf32>
  }
}
