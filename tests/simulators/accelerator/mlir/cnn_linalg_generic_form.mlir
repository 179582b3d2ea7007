// The CNN of cnn_linalg.mlir in the generic form of MLIR's printer.
#map = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 * 2 + d5, d3 * 2 + d6)>
#map1 = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>
#map2 = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map4 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d1 + d4, d2 + d5)>
#map5 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d3, d4, d5)>
#map6 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d1, d2)>
#map7 = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 + d5, d3 + d6)>
#map8 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 * 2 + d4, d3 * 2 + d5)>
#map9 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d4, d5)>
#map10 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>
#map11 = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0, d1, d5, d3 + d6, d4 + d7)>
#map12 = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d1, d2, d5, d6, d7)>
#map13 = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0, d1, d2, d3, d4)>
#map14 = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 * 2 + d5 * 2, d3 + d6 * 2)>
#map15 = affine_map<(d0) -> (d0)>
#map16 = affine_map<(d0, d1, d2, d3) -> (d1, 0, 0)>
#map17 = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
#map18 = affine_map<(d0, d1) -> (d0, d1)>
#map19 = affine_map<(d0, d1, d2) -> (d0, d2)>
#map20 = affine_map<(d0, d1, d2) -> (d2, d1)>
#map21 = affine_map<(d0, d1, d2) -> (d0, d1)>
#map22 = affine_map<(d0, d1) -> (d1)>
"builtin.module"() ({
  "func.func"() <{function_type = (tensor<1x3x64x64xf32>, tensor<32x3x3x3xf32>, tensor<32xf32>, tensor<32x1x3x3xf32>, tensor<32xf32>, tensor<64x32x1x1xf32>, tensor<64xf32>, tensor<64x16x3x3xf32>, tensor<64xf32>, tensor<32x64x3x3xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<10x32xf32>, tensor<10xf32>, tensor<32xf32>, tensor<32xf32>, tensor<i64>) -> tensor<1x10xf32>, sym_name = "main"}> ({
  ^bb0(%arg0: tensor<1x3x64x64xf32>, %arg1: tensor<32x3x3x3xf32>, %arg2: tensor<32xf32>, %arg3: tensor<32x1x3x3xf32>, %arg4: tensor<32xf32>, %arg5: tensor<64x32x1x1xf32>, %arg6: tensor<64xf32>, %arg7: tensor<64x16x3x3xf32>, %arg8: tensor<64xf32>, %arg9: tensor<32x64x3x3xf32>, %arg10: tensor<32xf32>, %arg11: tensor<32xf32>, %arg12: tensor<32xf32>, %arg13: tensor<10x32xf32>, %arg14: tensor<10xf32>, %arg15: tensor<32xf32>, %arg16: tensor<32xf32>, %arg17: tensor<i64>):
    %0 = "arith.constant"() <{value = 0.000000e+00 : f32}> : () -> f32
    %1 = "arith.constant"() <{value = 0xFF800000 : f32}> : () -> f32
    %2 = "arith.constant"() <{value = 1.000000e+00 : f32}> : () -> f32
    %3 = "arith.constant"() <{value = 1.000000e-05 : f64}> : () -> f64
    %4 = "arith.constant"() <{value = 1.280000e+02 : f32}> : () -> f32
    %5 = "tensor.pad"(%arg0) <{operandSegmentSizes = array<i32: 1, 0, 0>, static_high = array<i64: 0, 0, 1, 1>, static_low = array<i64: 0, 0, 1, 1>}> ({
    ^bb0(%arg102: index, %arg103: index, %arg104: index, %arg105: index):
      "tensor.yield"(%0) : (f32) -> ()
    }) : (tensor<1x3x64x64xf32>) -> tensor<1x3x66x66xf32>
    %6 = "tensor.empty"() : () -> tensor<1x32x32x32xf32>
    %7 = "linalg.broadcast"(%arg2, %6) <{dimensions = array<i64: 0, 2, 3>}> ({
    ^bb0(%arg100: f32, %arg101: f32):
      "linalg.yield"(%arg100) : (f32) -> ()
    }) : (tensor<32xf32>, tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xf32>
    %8 = "linalg.conv_2d_nchw_fchw"(%5, %arg1, %7) <{dilations = dense<1> : vector<2xi64>, operandSegmentSizes = array<i32: 2, 1>, strides = dense<2> : vector<2xi64>}> ({
    ^bb0(%arg97: f32, %arg98: f32, %arg99: f32):
      %88 = "arith.mulf"(%arg97, %arg98) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      %89 = "arith.addf"(%arg99, %88) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%89) : (f32) -> ()
    }) {linalg.memoized_indexing_maps = [#map, #map1, #map2]} : (tensor<1x3x66x66xf32>, tensor<32x3x3x3xf32>, tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xf32>
    %9 = "linalg.generic"(%8, %6) <{indexing_maps = [#map3, #map3], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg95: f32, %arg96: f32):
      %86 = "arith.cmpf"(%arg95, %0) <{fastmath = #arith.fastmath<none>, predicate = 9 : i64}> : (f32, f32) -> i1
      %87 = "arith.select"(%86, %arg95, %0) : (i1, f32, f32) -> f32
      "linalg.yield"(%87) : (f32) -> ()
    }) : (tensor<1x32x32x32xf32>, tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xf32>
    %10 = "tensor.pad"(%9) <{operandSegmentSizes = array<i32: 1, 0, 0>, static_high = array<i64: 0, 0, 1, 1>, static_low = array<i64: 0, 0, 1, 1>}> ({
    ^bb0(%arg91: index, %arg92: index, %arg93: index, %arg94: index):
      "tensor.yield"(%0) : (f32) -> ()
    }) : (tensor<1x32x32x32xf32>) -> tensor<1x32x34x34xf32>
    %11 = "linalg.broadcast"(%arg4, %6) <{dimensions = array<i64: 0, 2, 3>}> ({
    ^bb0(%arg89: f32, %arg90: f32):
      "linalg.yield"(%arg89) : (f32) -> ()
    }) : (tensor<32xf32>, tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xf32>
    %12 = "tensor.collapse_shape"(%arg3) <{reassociation = [[0, 1], [2], [3]]}> : (tensor<32x1x3x3xf32>) -> tensor<32x3x3xf32>
    %13 = "linalg.depthwise_conv_2d_nchw_chw"(%10, %12, %11) <{dilations = dense<1> : vector<2xi64>, operandSegmentSizes = array<i32: 2, 1>, strides = dense<1> : vector<2xi64>}> ({
    ^bb0(%arg86: f32, %arg87: f32, %arg88: f32):
      %84 = "arith.mulf"(%arg86, %arg87) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      %85 = "arith.addf"(%arg88, %84) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%85) : (f32) -> ()
    }) {linalg.memoized_indexing_maps = [#map4, #map5, #map6]} : (tensor<1x32x34x34xf32>, tensor<32x3x3xf32>, tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xf32>
    %14 = "linalg.generic"(%13, %6) <{indexing_maps = [#map3, #map3], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg84: f32, %arg85: f32):
      %82 = "arith.cmpf"(%arg84, %0) <{fastmath = #arith.fastmath<none>, predicate = 9 : i64}> : (f32, f32) -> i1
      %83 = "arith.select"(%82, %arg84, %0) : (i1, f32, f32) -> f32
      "linalg.yield"(%83) : (f32) -> ()
    }) : (tensor<1x32x32x32xf32>, tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xf32>
    %15 = "tensor.empty"() : () -> tensor<1x64x32x32xf32>
    %16 = "linalg.broadcast"(%arg6, %15) <{dimensions = array<i64: 0, 2, 3>}> ({
    ^bb0(%arg82: f32, %arg83: f32):
      "linalg.yield"(%arg82) : (f32) -> ()
    }) : (tensor<64xf32>, tensor<1x64x32x32xf32>) -> tensor<1x64x32x32xf32>
    %17 = "linalg.conv_2d_nchw_fchw"(%14, %arg5, %16) <{dilations = dense<1> : vector<2xi64>, operandSegmentSizes = array<i32: 2, 1>, strides = dense<1> : vector<2xi64>}> ({
    ^bb0(%arg79: f32, %arg80: f32, %arg81: f32):
      %80 = "arith.mulf"(%arg79, %arg80) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      %81 = "arith.addf"(%arg81, %80) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%81) : (f32) -> ()
    }) {linalg.memoized_indexing_maps = [#map7, #map1, #map2]} : (tensor<1x32x32x32xf32>, tensor<64x32x1x1xf32>, tensor<1x64x32x32xf32>) -> tensor<1x64x32x32xf32>
    %18 = "linalg.generic"(%17, %15) <{indexing_maps = [#map3, #map3], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg77: f32, %arg78: f32):
      %78 = "arith.cmpf"(%arg77, %0) <{fastmath = #arith.fastmath<none>, predicate = 9 : i64}> : (f32, f32) -> i1
      %79 = "arith.select"(%78, %arg77, %0) : (i1, f32, f32) -> f32
      "linalg.yield"(%79) : (f32) -> ()
    }) : (tensor<1x64x32x32xf32>, tensor<1x64x32x32xf32>) -> tensor<1x64x32x32xf32>
    %19 = "tensor.empty"() : () -> tensor<1x64x16x16xf32>
    %20 = "linalg.fill"(%1, %19) <{operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg75: f32, %arg76: f32):
      "linalg.yield"(%arg75) : (f32) -> ()
    }) : (f32, tensor<1x64x16x16xf32>) -> tensor<1x64x16x16xf32>
    %21 = "tensor.empty"() : () -> tensor<2x2xf32>
    %22 = "linalg.pooling_nchw_max"(%18, %21, %20) <{dilations = dense<1> : vector<2xi64>, operandSegmentSizes = array<i32: 2, 1>, strides = dense<2> : vector<2xi64>}> ({
    ^bb0(%arg72: f32, %arg73: f32, %arg74: f32):
      %77 = "arith.maximumf"(%arg74, %arg72) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%77) : (f32) -> ()
    }) {linalg.memoized_indexing_maps = [#map8, #map9, #map10]} : (tensor<1x64x32x32xf32>, tensor<2x2xf32>, tensor<1x64x16x16xf32>) -> tensor<1x64x16x16xf32>
    %23 = "tensor.pad"(%22) <{operandSegmentSizes = array<i32: 1, 0, 0>, static_high = array<i64: 0, 0, 1, 1>, static_low = array<i64: 0, 0, 1, 1>}> ({
    ^bb0(%arg68: index, %arg69: index, %arg70: index, %arg71: index):
      "tensor.yield"(%0) : (f32) -> ()
    }) : (tensor<1x64x16x16xf32>) -> tensor<1x64x18x18xf32>
    %24 = "linalg.broadcast"(%arg8, %19) <{dimensions = array<i64: 0, 2, 3>}> ({
    ^bb0(%arg66: f32, %arg67: f32):
      "linalg.yield"(%arg66) : (f32) -> ()
    }) : (tensor<64xf32>, tensor<1x64x16x16xf32>) -> tensor<1x64x16x16xf32>
    %25 = "tensor.expand_shape"(%23) <{reassociation = [[0], [1, 2], [3], [4]], static_output_shape = array<i64: 1, 4, 16, 18, 18>}> : (tensor<1x64x18x18xf32>) -> tensor<1x4x16x18x18xf32>
    %26 = "tensor.expand_shape"(%arg7) <{reassociation = [[0, 1], [2], [3], [4]], static_output_shape = array<i64: 4, 16, 16, 3, 3>}> : (tensor<64x16x3x3xf32>) -> tensor<4x16x16x3x3xf32>
    %27 = "tensor.expand_shape"(%24) <{reassociation = [[0], [1, 2], [3], [4]], static_output_shape = array<i64: 1, 4, 16, 16, 16>}> : (tensor<1x64x16x16xf32>) -> tensor<1x4x16x16x16xf32>
    %28 = "linalg.conv_2d_ngchw_gfchw"(%25, %26, %27) <{dilations = dense<1> : vector<2xi64>, operandSegmentSizes = array<i32: 2, 1>, strides = dense<1> : vector<2xi64>}> ({
    ^bb0(%arg63: f32, %arg64: f32, %arg65: f32):
      %75 = "arith.mulf"(%arg63, %arg64) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      %76 = "arith.addf"(%arg65, %75) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%76) : (f32) -> ()
    }) {linalg.memoized_indexing_maps = [#map11, #map12, #map13]} : (tensor<1x4x16x18x18xf32>, tensor<4x16x16x3x3xf32>, tensor<1x4x16x16x16xf32>) -> tensor<1x4x16x16x16xf32>
    %29 = "tensor.collapse_shape"(%28) <{reassociation = [[0], [1, 2], [3], [4]]}> : (tensor<1x4x16x16x16xf32>) -> tensor<1x64x16x16xf32>
    %30 = "linalg.generic"(%29, %19) <{indexing_maps = [#map3, #map3], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg61: f32, %arg62: f32):
      %73 = "arith.cmpf"(%arg61, %0) <{fastmath = #arith.fastmath<none>, predicate = 9 : i64}> : (f32, f32) -> i1
      %74 = "arith.select"(%73, %arg61, %0) : (i1, f32, f32) -> f32
      "linalg.yield"(%74) : (f32) -> ()
    }) : (tensor<1x64x16x16xf32>, tensor<1x64x16x16xf32>) -> tensor<1x64x16x16xf32>
    %31 = "tensor.pad"(%30) <{operandSegmentSizes = array<i32: 1, 0, 0>, static_high = array<i64: 0, 0, 2, 2>, static_low = array<i64: 0, 0, 2, 2>}> ({
    ^bb0(%arg57: index, %arg58: index, %arg59: index, %arg60: index):
      "tensor.yield"(%0) : (f32) -> ()
    }) : (tensor<1x64x16x16xf32>) -> tensor<1x64x20x20xf32>
    %32 = "tensor.empty"() : () -> tensor<1x32x8x16xf32>
    %33 = "linalg.broadcast"(%arg10, %32) <{dimensions = array<i64: 0, 2, 3>}> ({
    ^bb0(%arg55: f32, %arg56: f32):
      "linalg.yield"(%arg55) : (f32) -> ()
    }) : (tensor<32xf32>, tensor<1x32x8x16xf32>) -> tensor<1x32x8x16xf32>
    %34 = "linalg.conv_2d_nchw_fchw"(%31, %arg9, %33) <{dilations = dense<2> : vector<2xi64>, operandSegmentSizes = array<i32: 2, 1>, strides = dense<[2, 1]> : vector<2xi64>}> ({
    ^bb0(%arg52: f32, %arg53: f32, %arg54: f32):
      %71 = "arith.mulf"(%arg52, %arg53) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      %72 = "arith.addf"(%arg54, %71) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%72) : (f32) -> ()
    }) {linalg.memoized_indexing_maps = [#map14, #map1, #map2]} : (tensor<1x64x20x20xf32>, tensor<32x64x3x3xf32>, tensor<1x32x8x16xf32>) -> tensor<1x32x8x16xf32>
    %35 = "tensor.empty"() : () -> tensor<32xf32>
    %36 = "linalg.generic"(%arg16, %35) <{indexing_maps = [#map15, #map15], iterator_types = [#linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg50: f32, %arg51: f32):
      %69 = "arith.truncf"(%3) : (f64) -> f32
      %70 = "arith.addf"(%arg50, %69) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%70) : (f32) -> ()
    }) : (tensor<32xf32>, tensor<32xf32>) -> tensor<32xf32>
    %37 = "linalg.generic"(%36, %35) <{indexing_maps = [#map15, #map15], iterator_types = [#linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg48: f32, %arg49: f32):
      %68 = "math.sqrt"(%arg48) <{fastmath = #arith.fastmath<none>}> : (f32) -> f32
      "linalg.yield"(%68) : (f32) -> ()
    }) : (tensor<32xf32>, tensor<32xf32>) -> tensor<32xf32>
    %38 = "linalg.generic"(%37, %35) <{indexing_maps = [#map15, #map15], iterator_types = [#linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg46: f32, %arg47: f32):
      %66 = "arith.cmpf"(%arg46, %0) <{fastmath = #arith.fastmath<none>, predicate = 6 : i64}> : (f32, f32) -> i1
      "cf.assert"(%66) <{msg = "unimplemented: tensor with zero element"}> : (i1) -> ()
      %67 = "arith.divf"(%2, %arg46) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%67) : (f32) -> ()
    }) : (tensor<32xf32>, tensor<32xf32>) -> tensor<32xf32>
    %39 = "tensor.expand_shape"(%arg15) <{reassociation = [[0, 1, 2]], static_output_shape = array<i64: 32, 1, 1>}> : (tensor<32xf32>) -> tensor<32x1x1xf32>
    %40 = "tensor.expand_shape"(%38) <{reassociation = [[0, 1, 2]], static_output_shape = array<i64: 32, 1, 1>}> : (tensor<32xf32>) -> tensor<32x1x1xf32>
    %41 = "linalg.generic"(%34, %39, %32) <{indexing_maps = [#map3, #map16, #map3], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 2, 1>}> ({
    ^bb0(%arg43: f32, %arg44: f32, %arg45: f32):
      %65 = "arith.subf"(%arg43, %arg44) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%65) : (f32) -> ()
    }) : (tensor<1x32x8x16xf32>, tensor<32x1x1xf32>, tensor<1x32x8x16xf32>) -> tensor<1x32x8x16xf32>
    %42 = "linalg.generic"(%41, %40, %32) <{indexing_maps = [#map3, #map16, #map3], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 2, 1>}> ({
    ^bb0(%arg40: f32, %arg41: f32, %arg42: f32):
      %64 = "arith.mulf"(%arg40, %arg41) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%64) : (f32) -> ()
    }) : (tensor<1x32x8x16xf32>, tensor<32x1x1xf32>, tensor<1x32x8x16xf32>) -> tensor<1x32x8x16xf32>
    %43 = "tensor.expand_shape"(%arg11) <{reassociation = [[0, 1, 2]], static_output_shape = array<i64: 32, 1, 1>}> : (tensor<32xf32>) -> tensor<32x1x1xf32>
    %44 = "linalg.generic"(%42, %43, %32) <{indexing_maps = [#map3, #map16, #map3], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 2, 1>}> ({
    ^bb0(%arg37: f32, %arg38: f32, %arg39: f32):
      %63 = "arith.mulf"(%arg37, %arg38) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%63) : (f32) -> ()
    }) : (tensor<1x32x8x16xf32>, tensor<32x1x1xf32>, tensor<1x32x8x16xf32>) -> tensor<1x32x8x16xf32>
    %45 = "tensor.expand_shape"(%arg12) <{reassociation = [[0, 1, 2]], static_output_shape = array<i64: 32, 1, 1>}> : (tensor<32xf32>) -> tensor<32x1x1xf32>
    %46 = "linalg.generic"(%44, %45, %32) <{indexing_maps = [#map3, #map16, #map3], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 2, 1>}> ({
    ^bb0(%arg34: f32, %arg35: f32, %arg36: f32):
      %62 = "arith.addf"(%arg34, %arg35) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%62) : (f32) -> ()
    }) : (tensor<1x32x8x16xf32>, tensor<32x1x1xf32>, tensor<1x32x8x16xf32>) -> tensor<1x32x8x16xf32>
    %47 = "tensor.empty"() : () -> tensor<1x32xf32>
    %48 = "linalg.fill"(%0, %47) <{operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg32: f32, %arg33: f32):
      "linalg.yield"(%arg32) : (f32) -> ()
    }) : (f32, tensor<1x32xf32>) -> tensor<1x32xf32>
    %49 = "linalg.generic"(%46, %48) <{indexing_maps = [#map3, #map17], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>, #linalg.iterator_type<reduction>, #linalg.iterator_type<reduction>], operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg30: f32, %arg31: f32):
      %61 = "arith.addf"(%arg30, %arg31) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%61) : (f32) -> ()
    }) : (tensor<1x32x8x16xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
    %50 = "linalg.generic"(%49, %47) <{indexing_maps = [#map18, #map18], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg28: f32, %arg29: f32):
      %60 = "arith.divf"(%arg28, %4) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%60) : (f32) -> ()
    }) : (tensor<1x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
    %51 = "tensor.empty"() : () -> tensor<32x10xf32>
    %52 = "linalg.transpose"(%arg13, %51) <{permutation = array<i64: 1, 0>}> ({
    ^bb0(%arg26: f32, %arg27: f32):
      "linalg.yield"(%arg26) : (f32) -> ()
    }) : (tensor<10x32xf32>, tensor<32x10xf32>) -> tensor<32x10xf32>
    %53 = "tensor.empty"() : () -> tensor<1x10xf32>
    %54 = "linalg.fill"(%0, %53) <{operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg24: f32, %arg25: f32):
      "linalg.yield"(%arg24) : (f32) -> ()
    }) : (f32, tensor<1x10xf32>) -> tensor<1x10xf32>
    %55 = "linalg.matmul"(%50, %52, %54) <{indexing_maps = [#map19, #map20, #map21], operandSegmentSizes = array<i32: 2, 1>}> ({
    ^bb0(%arg21: f32, %arg22: f32, %arg23: f32):
      %58 = "arith.mulf"(%arg21, %arg22) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      %59 = "arith.addf"(%arg23, %58) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%59) : (f32) -> ()
    }) : (tensor<1x32xf32>, tensor<32x10xf32>, tensor<1x10xf32>) -> tensor<1x10xf32>
    %56 = "linalg.generic"(%55, %arg14, %53) <{indexing_maps = [#map18, #map22, #map18], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 2, 1>}> ({
    ^bb0(%arg18: f32, %arg19: f32, %arg20: f32):
      %57 = "arith.addf"(%arg18, %arg19) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%57) : (f32) -> ()
    }) : (tensor<1x10xf32>, tensor<10xf32>, tensor<1x10xf32>) -> tensor<1x10xf32>
    "func.return"(%56) : (tensor<1x10xf32>) -> ()
  }) : () -> ()
}) : () -> ()
