// The CNN of cnn_linalg.mlir with output_type="stablehlo".
module {
  func.func @main(%arg0: tensor<1x3x64x64xf32>, %arg1: tensor<32x3x3x3xf32>, %arg2: tensor<32xf32>, %arg3: tensor<32x1x3x3xf32>, %arg4: tensor<32xf32>, %arg5: tensor<64x32x1x1xf32>, %arg6: tensor<64xf32>, %arg7: tensor<64x16x3x3xf32>, %arg8: tensor<64xf32>, %arg9: tensor<32x64x3x3xf32>, %arg10: tensor<32xf32>, %arg11: tensor<32xf32>, %arg12: tensor<32xf32>, %arg13: tensor<10x32xf32>, %arg14: tensor<10xf32>, %arg15: tensor<32xf32>, %arg16: tensor<32xf32>, %arg17: tensor<i64>) -> tensor<1x10xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<1x32x32x32xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<1x64x32x32xf32>
    %cst_1 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %cst_2 = stablehlo.constant dense<0.000000e+00> : tensor<1x64x16x16xf32>
    %cst_3 = stablehlo.constant dense<1.000000e+00> : tensor<32xf32>
    %cst_4 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %cst_5 = arith.constant dense<1.000000e-05> : tensor<1xf64>
    %cst_6 = arith.constant dense<1> : tensor<1xi64>
    %cst_7 = arith.constant dense<128> : tensor<1xi64>
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {stride = [2, 2], pad = [[1, 1], [1, 1]], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x3x64x64xf32>, tensor<32x3x3x3xf32>) -> tensor<1x32x32x32xf32>
    %1 = stablehlo.reshape %arg2 : (tensor<32xf32>) -> tensor<32x1x1xf32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [1, 2, 3] : (tensor<32x1x1xf32>) -> tensor<1x32x32x32xf32>
    %3 = stablehlo.add %0, %2 : tensor<1x32x32x32xf32>
    %4 = stablehlo.maximum %3, %cst : tensor<1x32x32x32xf32>
    %5 = stablehlo.convolution(%4, %arg3) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {stride = [1, 1], pad = [[1, 1], [1, 1]], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 32 : i64} : (tensor<1x32x32x32xf32>, tensor<32x1x3x3xf32>) -> tensor<1x32x32x32xf32>
    %6 = stablehlo.reshape %arg4 : (tensor<32xf32>) -> tensor<32x1x1xf32>
    %7 = stablehlo.broadcast_in_dim %6, dims = [1, 2, 3] : (tensor<32x1x1xf32>) -> tensor<1x32x32x32xf32>
    %8 = stablehlo.add %5, %7 : tensor<1x32x32x32xf32>
    %9 = stablehlo.maximum %8, %cst : tensor<1x32x32x32xf32>
    %10 = stablehlo.convolution(%9, %arg5) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {stride = [1, 1], pad = [[0, 0], [0, 0]], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x32xf32>, tensor<64x32x1x1xf32>) -> tensor<1x64x32x32xf32>
    %11 = stablehlo.reshape %arg6 : (tensor<64xf32>) -> tensor<64x1x1xf32>
    %12 = stablehlo.broadcast_in_dim %11, dims = [1, 2, 3] : (tensor<64x1x1xf32>) -> tensor<1x64x32x32xf32>
    %13 = stablehlo.add %10, %12 : tensor<1x64x32x32xf32>
    %14 = stablehlo.maximum %13, %cst_0 : tensor<1x64x32x32xf32>
    %15 = "stablehlo.reduce_window"(%14, %cst_1) <{padding = dense<0> : tensor<4x2xi64>, window_dilations = array<i64: 1, 1, 1, 1>, window_dimensions = array<i64: 1, 1, 2, 2>, window_strides = array<i64: 1, 1, 2, 2>}> ({
    ^bb0(%arg18: tensor<f32>, %arg19: tensor<f32>):
      %64 = stablehlo.maximum %arg18, %arg19 : tensor<f32>
      stablehlo.return %64 : tensor<f32>
    }) : (tensor<1x64x32x32xf32>, tensor<f32>) -> tensor<1x64x16x16xf32>
    %16 = stablehlo.convolution(%15, %arg7) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {stride = [1, 1], pad = [[1, 1], [1, 1]], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 4 : i64} : (tensor<1x64x16x16xf32>, tensor<64x16x3x3xf32>) -> tensor<1x64x16x16xf32>
    %17 = stablehlo.reshape %arg8 : (tensor<64xf32>) -> tensor<64x1x1xf32>
    %18 = stablehlo.broadcast_in_dim %17, dims = [1, 2, 3] : (tensor<64x1x1xf32>) -> tensor<1x64x16x16xf32>
    %19 = stablehlo.add %16, %18 : tensor<1x64x16x16xf32>
    %20 = stablehlo.maximum %19, %cst_2 : tensor<1x64x16x16xf32>
    %21 = stablehlo.convolution(%20, %arg9) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {stride = [2, 1], pad = [[2, 2], [2, 2]], rhs_dilate = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x16x16xf32>, tensor<32x64x3x3xf32>) -> tensor<1x32x8x16xf32>
    %22 = stablehlo.reshape %arg10 : (tensor<32xf32>) -> tensor<32x1x1xf32>
    %23 = stablehlo.broadcast_in_dim %22, dims = [1, 2, 3] : (tensor<32x1x1xf32>) -> tensor<1x32x8x16xf32>
    %24 = stablehlo.add %21, %23 : tensor<1x32x8x16xf32>
    %25 = stablehlo.convert %cst_5 : (tensor<1xf64>) -> tensor<1xf32>
    %26 = stablehlo.reshape %25 : (tensor<1xf32>) -> tensor<f32>
    %27 = stablehlo.broadcast_in_dim %26, dims = [] : (tensor<f32>) -> tensor<32xf32>
    %28 = stablehlo.add %arg16, %27 : tensor<32xf32>
    %29 = stablehlo.sqrt %28 : tensor<32xf32>
    %30 = stablehlo.divide %cst_3, %29 : tensor<32xf32>
    %31 = stablehlo.convert %cst_6 : (tensor<1xi64>) -> tensor<1xf32>
    %32 = stablehlo.reshape %31 : (tensor<1xf32>) -> tensor<f32>
    %33 = stablehlo.broadcast_in_dim %32, dims = [] : (tensor<f32>) -> tensor<32xf32>
    %34 = stablehlo.multiply %30, %33 : tensor<32xf32>
    %35 = stablehlo.reshape %arg15 : (tensor<32xf32>) -> tensor<32x1xf32>
    %36 = stablehlo.reshape %35 : (tensor<32x1xf32>) -> tensor<32x1x1xf32>
    %37 = stablehlo.reshape %34 : (tensor<32xf32>) -> tensor<32x1xf32>
    %38 = stablehlo.reshape %37 : (tensor<32x1xf32>) -> tensor<32x1x1xf32>
    %39 = stablehlo.broadcast_in_dim %36, dims = [1, 2, 3] : (tensor<32x1x1xf32>) -> tensor<1x32x8x16xf32>
    %40 = stablehlo.subtract %24, %39 : tensor<1x32x8x16xf32>
    %41 = stablehlo.broadcast_in_dim %38, dims = [1, 2, 3] : (tensor<32x1x1xf32>) -> tensor<1x32x8x16xf32>
    %42 = stablehlo.multiply %40, %41 : tensor<1x32x8x16xf32>
    %43 = stablehlo.reshape %arg11 : (tensor<32xf32>) -> tensor<32x1xf32>
    %44 = stablehlo.reshape %43 : (tensor<32x1xf32>) -> tensor<32x1x1xf32>
    %45 = stablehlo.broadcast_in_dim %44, dims = [1, 2, 3] : (tensor<32x1x1xf32>) -> tensor<1x32x8x16xf32>
    %46 = stablehlo.multiply %42, %45 : tensor<1x32x8x16xf32>
    %47 = stablehlo.reshape %arg12 : (tensor<32xf32>) -> tensor<32x1xf32>
    %48 = stablehlo.reshape %47 : (tensor<32x1xf32>) -> tensor<32x1x1xf32>
    %49 = stablehlo.broadcast_in_dim %48, dims = [1, 2, 3] : (tensor<32x1x1xf32>) -> tensor<1x32x8x16xf32>
    %50 = stablehlo.add %46, %49 : tensor<1x32x8x16xf32>
    %51 = stablehlo.reduce(%50 init: %cst_4) applies stablehlo.add across dimensions = [2, 3] : (tensor<1x32x8x16xf32>, tensor<f32>) -> tensor<1x32xf32>
    %52 = stablehlo.convert %cst_7 : (tensor<1xi64>) -> tensor<1xf32>
    %53 = stablehlo.reshape %52 : (tensor<1xf32>) -> tensor<f32>
    %54 = stablehlo.broadcast_in_dim %53, dims = [] : (tensor<f32>) -> tensor<1x32xf32>
    %55 = stablehlo.divide %51, %54 : tensor<1x32xf32>
    %56 = stablehlo.transpose %arg13, dims = [1, 0] : (tensor<10x32xf32>) -> tensor<32x10xf32>
    %57 = stablehlo.dot_general %55, %56, contracting_dims = [1] x [0] : (tensor<1x32xf32>, tensor<32x10xf32>) -> tensor<1x10xf32>
    %58 = stablehlo.broadcast_in_dim %32, dims = [] : (tensor<f32>) -> tensor<1x10xf32>
    %59 = stablehlo.multiply %57, %58 : tensor<1x10xf32>
    %60 = stablehlo.broadcast_in_dim %32, dims = [] : (tensor<f32>) -> tensor<10xf32>
    %61 = stablehlo.multiply %arg14, %60 : tensor<10xf32>
    %62 = stablehlo.broadcast_in_dim %61, dims = [1] : (tensor<10xf32>) -> tensor<1x10xf32>
    %63 = stablehlo.add %59, %62 : tensor<1x10xf32>
    return %63 : tensor<1x10xf32>
  }
}
