// The CNN of cnn_linalg.mlir, bufferised by mlir-opt 22.1.8: one-shot-bufferize.
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map1 = affine_map<(d0) -> (d0)>
#map2 = affine_map<(d0, d1, d2, d3) -> (d1, 0, 0)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
#map4 = affine_map<(d0, d1) -> (d0, d1)>
#map5 = affine_map<(d0, d1) -> (d1)>
module {
  func.func @main(%arg0: memref<1x3x64x64xf32>, %arg1: memref<32x3x3x3xf32>, %arg2: memref<32xf32>, %arg3: memref<32x1x3x3xf32>, %arg4: memref<32xf32>, %arg5: memref<64x32x1x1xf32>, %arg6: memref<64xf32>, %arg7: memref<64x16x3x3xf32>, %arg8: memref<64xf32>, %arg9: memref<32x64x3x3xf32>, %arg10: memref<32xf32>, %arg11: memref<32xf32>, %arg12: memref<32xf32>, %arg13: memref<10x32xf32>, %arg14: memref<10xf32>, %arg15: memref<32xf32>, %arg16: memref<32xf32>, %arg17: memref<i64>) -> memref<1x10xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant 1.000000e+00 : f32
    %cst_2 = arith.constant 1.000000e-05 : f64
    %cst_3 = arith.constant 1.280000e+02 : f32
    %alloc = memref.alloc() {alignment = 64 : i64} : memref<1x3x66x66xf32>
    linalg.map outs(%alloc : memref<1x3x66x66xf32>)
      (%init: f32) {
        %0 = linalg.index 0 : index
        %1 = linalg.index 1 : index
        %2 = linalg.index 2 : index
        %3 = linalg.index 3 : index
        linalg.yield %cst : f32
      }
    %subview = memref.subview %alloc[0, 0, 1, 1] [1, 3, 64, 64] [1, 1, 1, 1] : memref<1x3x66x66xf32> to memref<1x3x64x64xf32, strided<[13068, 4356, 66, 1], offset: 67>>
    memref.copy %arg0, %subview : memref<1x3x64x64xf32> to memref<1x3x64x64xf32, strided<[13068, 4356, 66, 1], offset: 67>>
    %alloc_4 = memref.alloc() {alignment = 64 : i64} : memref<1x32x32x32xf32>
    linalg.broadcast ins(%arg2 : memref<32xf32>) outs(%alloc_4 : memref<1x32x32x32xf32>) dimensions = [0, 2, 3] 
    linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%alloc, %arg1 : memref<1x3x66x66xf32>, memref<32x3x3x3xf32>) outs(%alloc_4 : memref<1x32x32x32xf32>)
    linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%alloc_4 : memref<1x32x32x32xf32>) outs(%alloc_4 : memref<1x32x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.cmpf ugt, %in, %cst : f32
      %1 = arith.select %0, %in, %cst : f32
      linalg.yield %1 : f32
    }
    %alloc_5 = memref.alloc() {alignment = 64 : i64} : memref<1x32x34x34xf32>
    linalg.map outs(%alloc_5 : memref<1x32x34x34xf32>)
      (%init: f32) {
        %0 = linalg.index 0 : index
        %1 = linalg.index 1 : index
        %2 = linalg.index 2 : index
        %3 = linalg.index 3 : index
        linalg.yield %cst : f32
      }
    %subview_6 = memref.subview %alloc_5[0, 0, 1, 1] [1, 32, 32, 32] [1, 1, 1, 1] : memref<1x32x34x34xf32> to memref<1x32x32x32xf32, strided<[36992, 1156, 34, 1], offset: 35>>
    memref.copy %alloc_4, %subview_6 : memref<1x32x32x32xf32> to memref<1x32x32x32xf32, strided<[36992, 1156, 34, 1], offset: 35>>
    linalg.broadcast ins(%arg4 : memref<32xf32>) outs(%alloc_4 : memref<1x32x32x32xf32>) dimensions = [0, 2, 3] 
    %collapse_shape = memref.collapse_shape %arg3 [[0, 1], [2], [3]] : memref<32x1x3x3xf32> into memref<32x3x3xf32>
    linalg.depthwise_conv_2d_nchw_chw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%alloc_5, %collapse_shape : memref<1x32x34x34xf32>, memref<32x3x3xf32>) outs(%alloc_4 : memref<1x32x32x32xf32>)
    linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%alloc_4 : memref<1x32x32x32xf32>) outs(%alloc_4 : memref<1x32x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.cmpf ugt, %in, %cst : f32
      %1 = arith.select %0, %in, %cst : f32
      linalg.yield %1 : f32
    }
    %alloc_7 = memref.alloc() {alignment = 64 : i64} : memref<1x64x32x32xf32>
    linalg.broadcast ins(%arg6 : memref<64xf32>) outs(%alloc_7 : memref<1x64x32x32xf32>) dimensions = [0, 2, 3] 
    linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%alloc_4, %arg5 : memref<1x32x32x32xf32>, memref<64x32x1x1xf32>) outs(%alloc_7 : memref<1x64x32x32xf32>)
    linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%alloc_7 : memref<1x64x32x32xf32>) outs(%alloc_7 : memref<1x64x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.cmpf ugt, %in, %cst : f32
      %1 = arith.select %0, %in, %cst : f32
      linalg.yield %1 : f32
    }
    %alloc_8 = memref.alloc() {alignment = 64 : i64} : memref<1x64x16x16xf32>
    linalg.fill ins(%cst_0 : f32) outs(%alloc_8 : memref<1x64x16x16xf32>)
    %alloc_9 = memref.alloc() {alignment = 64 : i64} : memref<2x2xf32>
    linalg.pooling_nchw_max {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>} ins(%alloc_7, %alloc_9 : memref<1x64x32x32xf32>, memref<2x2xf32>) outs(%alloc_8 : memref<1x64x16x16xf32>)
    %alloc_10 = memref.alloc() {alignment = 64 : i64} : memref<1x64x18x18xf32>
    linalg.map outs(%alloc_10 : memref<1x64x18x18xf32>)
      (%init: f32) {
        %0 = linalg.index 0 : index
        %1 = linalg.index 1 : index
        %2 = linalg.index 2 : index
        %3 = linalg.index 3 : index
        linalg.yield %cst : f32
      }
    %subview_11 = memref.subview %alloc_10[0, 0, 1, 1] [1, 64, 16, 16] [1, 1, 1, 1] : memref<1x64x18x18xf32> to memref<1x64x16x16xf32, strided<[20736, 324, 18, 1], offset: 19>>
    memref.copy %alloc_8, %subview_11 : memref<1x64x16x16xf32> to memref<1x64x16x16xf32, strided<[20736, 324, 18, 1], offset: 19>>
    %alloc_12 = memref.alloc() {alignment = 64 : i64} : memref<1x64x16x16xf32>
    linalg.broadcast ins(%arg8 : memref<64xf32>) outs(%alloc_12 : memref<1x64x16x16xf32>) dimensions = [0, 2, 3] 
    %expand_shape = memref.expand_shape %alloc_10 [[0], [1, 2], [3], [4]] output_shape [1, 4, 16, 18, 18] : memref<1x64x18x18xf32> into memref<1x4x16x18x18xf32>
    %expand_shape_13 = memref.expand_shape %arg7 [[0, 1], [2], [3], [4]] output_shape [4, 16, 16, 3, 3] : memref<64x16x3x3xf32> into memref<4x16x16x3x3xf32>
    %expand_shape_14 = memref.expand_shape %alloc_12 [[0], [1, 2], [3], [4]] output_shape [1, 4, 16, 16, 16] : memref<1x64x16x16xf32> into memref<1x4x16x16x16xf32>
    linalg.conv_2d_ngchw_gfchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%expand_shape, %expand_shape_13 : memref<1x4x16x18x18xf32>, memref<4x16x16x3x3xf32>) outs(%expand_shape_14 : memref<1x4x16x16x16xf32>)
    %collapse_shape_15 = memref.collapse_shape %expand_shape_14 [[0], [1, 2], [3], [4]] : memref<1x4x16x16x16xf32> into memref<1x64x16x16xf32>
    linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapse_shape_15 : memref<1x64x16x16xf32>) outs(%alloc_8 : memref<1x64x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.cmpf ugt, %in, %cst : f32
      %1 = arith.select %0, %in, %cst : f32
      linalg.yield %1 : f32
    }
    %alloc_16 = memref.alloc() {alignment = 64 : i64} : memref<1x64x20x20xf32>
    linalg.map outs(%alloc_16 : memref<1x64x20x20xf32>)
      (%init: f32) {
        %0 = linalg.index 0 : index
        %1 = linalg.index 1 : index
        %2 = linalg.index 2 : index
        %3 = linalg.index 3 : index
        linalg.yield %cst : f32
      }
    %subview_17 = memref.subview %alloc_16[0, 0, 2, 2] [1, 64, 16, 16] [1, 1, 1, 1] : memref<1x64x20x20xf32> to memref<1x64x16x16xf32, strided<[25600, 400, 20, 1], offset: 42>>
    memref.copy %alloc_8, %subview_17 : memref<1x64x16x16xf32> to memref<1x64x16x16xf32, strided<[25600, 400, 20, 1], offset: 42>>
    %alloc_18 = memref.alloc() {alignment = 64 : i64} : memref<1x32x8x16xf32>
    linalg.broadcast ins(%arg10 : memref<32xf32>) outs(%alloc_18 : memref<1x32x8x16xf32>) dimensions = [0, 2, 3] 
    linalg.conv_2d_nchw_fchw {dilations = dense<2> : vector<2xi64>, strides = dense<[2, 1]> : vector<2xi64>} ins(%alloc_16, %arg9 : memref<1x64x20x20xf32>, memref<32x64x3x3xf32>) outs(%alloc_18 : memref<1x32x8x16xf32>)
    %alloc_19 = memref.alloc() {alignment = 64 : i64} : memref<32xf32>
    linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel"]} ins(%arg16 : memref<32xf32>) outs(%alloc_19 : memref<32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.truncf %cst_2 : f64 to f32
      %1 = arith.addf %in, %0 : f32
      linalg.yield %1 : f32
    }
    linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel"]} ins(%alloc_19 : memref<32xf32>) outs(%alloc_19 : memref<32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = math.sqrt %in : f32
      linalg.yield %0 : f32
    }
    linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel"]} ins(%alloc_19 : memref<32xf32>) outs(%alloc_19 : memref<32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.cmpf one, %in, %cst : f32
      cf.assert %0, "unimplemented: tensor with zero element"
      %1 = arith.divf %cst_1, %in : f32
      linalg.yield %1 : f32
    }
    %expand_shape_20 = memref.expand_shape %arg15 [[0, 1, 2]] output_shape [32, 1, 1] : memref<32xf32> into memref<32x1x1xf32>
    %expand_shape_21 = memref.expand_shape %alloc_19 [[0, 1, 2]] output_shape [32, 1, 1] : memref<32xf32> into memref<32x1x1xf32>
    linalg.generic {indexing_maps = [#map, #map2, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%alloc_18, %expand_shape_20 : memref<1x32x8x16xf32>, memref<32x1x1xf32>) outs(%alloc_18 : memref<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_27: f32, %out: f32):
      %0 = arith.subf %in, %in_27 : f32
      linalg.yield %0 : f32
    }
    linalg.generic {indexing_maps = [#map, #map2, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%alloc_18, %expand_shape_21 : memref<1x32x8x16xf32>, memref<32x1x1xf32>) outs(%alloc_18 : memref<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_27: f32, %out: f32):
      %0 = arith.mulf %in, %in_27 : f32
      linalg.yield %0 : f32
    }
    %expand_shape_22 = memref.expand_shape %arg11 [[0, 1, 2]] output_shape [32, 1, 1] : memref<32xf32> into memref<32x1x1xf32>
    linalg.generic {indexing_maps = [#map, #map2, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%alloc_18, %expand_shape_22 : memref<1x32x8x16xf32>, memref<32x1x1xf32>) outs(%alloc_18 : memref<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_27: f32, %out: f32):
      %0 = arith.mulf %in, %in_27 : f32
      linalg.yield %0 : f32
    }
    %expand_shape_23 = memref.expand_shape %arg12 [[0, 1, 2]] output_shape [32, 1, 1] : memref<32xf32> into memref<32x1x1xf32>
    linalg.generic {indexing_maps = [#map, #map2, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%alloc_18, %expand_shape_23 : memref<1x32x8x16xf32>, memref<32x1x1xf32>) outs(%alloc_18 : memref<1x32x8x16xf32>) {
    ^bb0(%in: f32, %in_27: f32, %out: f32):
      %0 = arith.addf %in, %in_27 : f32
      linalg.yield %0 : f32
    }
    %alloc_24 = memref.alloc() {alignment = 64 : i64} : memref<1x32xf32>
    linalg.fill ins(%cst : f32) outs(%alloc_24 : memref<1x32xf32>)
    linalg.generic {indexing_maps = [#map, #map3], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%alloc_18 : memref<1x32x8x16xf32>) outs(%alloc_24 : memref<1x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
    }
    linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel"]} ins(%alloc_24 : memref<1x32xf32>) outs(%alloc_24 : memref<1x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.divf %in, %cst_3 : f32
      linalg.yield %0 : f32
    }
    %alloc_25 = memref.alloc() {alignment = 64 : i64} : memref<32x10xf32>
    linalg.transpose ins(%arg13 : memref<10x32xf32>) outs(%alloc_25 : memref<32x10xf32>) permutation = [1, 0] 
    %alloc_26 = memref.alloc() {alignment = 64 : i64} : memref<1x10xf32>
    linalg.fill ins(%cst : f32) outs(%alloc_26 : memref<1x10xf32>)
    linalg.matmul ins(%alloc_24, %alloc_25 : memref<1x32xf32>, memref<32x10xf32>) outs(%alloc_26 : memref<1x10xf32>)
    linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel"]} ins(%alloc_26, %arg14 : memref<1x10xf32>, memref<10xf32>) outs(%alloc_26 : memref<1x10xf32>) {
    ^bb0(%in: f32, %in_27: f32, %out: f32):
      %0 = arith.addf %in, %in_27 : f32
      linalg.yield %0 : f32
    }
    return %alloc_26 : memref<1x10xf32>
  }
}

