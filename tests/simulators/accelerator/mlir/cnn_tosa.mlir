// The CNN of cnn_linalg.mlir with output_type="tosa".
module {
  func.func @main(%arg0: tensor<1x3x64x64xf32>, %arg1: tensor<32x3x3x3xf32>, %arg2: tensor<32xf32>, %arg3: tensor<32x1x3x3xf32>, %arg4: tensor<32xf32>, %arg5: tensor<64x32x1x1xf32>, %arg6: tensor<64xf32>, %arg7: tensor<64x16x3x3xf32>, %arg8: tensor<64xf32>, %arg9: tensor<32x64x3x3xf32>, %arg10: tensor<32xf32>, %arg11: tensor<32xf32>, %arg12: tensor<32xf32>, %arg13: tensor<10x32xf32>, %arg14: tensor<10xf32>, %arg15: tensor<32xf32>, %arg16: tensor<32xf32>, %arg17: tensor<i64>) -> tensor<1x10xf32> {
    %0 = "tosa.const"() <{values = dense<0.000000e+00> : tensor<1xf32>}> : () -> tensor<1xf32>
    %1 = tosa.const_shape  {values = dense<[1, 16, 16, 16]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %2 = tosa.const_shape  {values = dense<[16, 3, 3, 16]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %3 = tosa.const_shape  {values = dense<16> : tensor<1xindex>} : () -> !tosa.shape<1>
    %4 = tosa.const_shape  {values = dense<0> : tensor<4xindex>} : () -> !tosa.shape<4>
    %5 = tosa.const_shape  {values = dense<0> : tensor<1xindex>} : () -> !tosa.shape<1>
    %6 = tosa.const_shape  {values = dense<[0, 0, 0, 16]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %7 = tosa.const_shape  {values = dense<[16, 0, 0, 0]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %8 = tosa.const_shape  {values = dense<[0, 0, 0, 32]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %9 = tosa.const_shape  {values = dense<[32, 0, 0, 0]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %10 = tosa.const_shape  {values = dense<32> : tensor<1xindex>} : () -> !tosa.shape<1>
    %11 = tosa.const_shape  {values = dense<[0, 0, 0, 48]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %12 = tosa.const_shape  {values = dense<[48, 0, 0, 0]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %13 = tosa.const_shape  {values = dense<48> : tensor<1xindex>} : () -> !tosa.shape<1>
    %14 = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
    %15 = tosa.const_shape  {values = dense<[1, 32, 1, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %16 = tosa.const_shape  {values = dense<[1, 32]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %17 = tosa.const_shape  {values = dense<[1, 1, 32]> : tensor<3xindex>} : () -> !tosa.shape<3>
    %18 = tosa.const_shape  {values = dense<[1, 32, 10]> : tensor<3xindex>} : () -> !tosa.shape<3>
    %19 = tosa.const_shape  {values = dense<[1, 10]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %20 = tosa.const_shape  {values = dense<[64, 1, 1, 32]> : tensor<4xindex>} : () -> !tosa.shape<4>
    %21 = "tosa.const"() <{values = dense<9.99999974E-6> : tensor<1xf32>}> : () -> tensor<1xf32>
    %22 = "tosa.const"() <{values = dense<5.000000e-01> : tensor<1xf32>}> : () -> tensor<1xf32>
    %23 = "tosa.const"() <{values = dense<7.812500e-03> : tensor<1x1xf32>}> : () -> tensor<1x1xf32>
    %24 = tosa.transpose %arg0 {perms = array<i32: 0, 2, 3, 1>} : (tensor<1x3x64x64xf32>) -> tensor<1x64x64x3xf32>
    %25 = tosa.transpose %arg1 {perms = array<i32: 0, 2, 3, 1>} : (tensor<32x3x3x3xf32>) -> tensor<32x3x3x3xf32>
    %26 = tosa.conv2d %24, %25, %arg2, %0, %0 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 0, 1, 0>, stride = array<i64: 2, 2>} : (tensor<1x64x64x3xf32>, tensor<32x3x3x3xf32>, tensor<32xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x32x32x32xf32>
    %27 = tosa.clamp %26 {max_val = 3.40282347E+38 : f32, min_val = 0.000000e+00 : f32} : (tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xf32>
    %28 = tosa.transpose %arg3 {perms = array<i32: 2, 3, 0, 1>} : (tensor<32x1x3x3xf32>) -> tensor<3x3x32x1xf32>
    %29 = tosa.depthwise_conv2d %27, %28, %arg4, %0, %0 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x32x32x32xf32>, tensor<3x3x32x1xf32>, tensor<32xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x32x32x32xf32>
    %30 = tosa.clamp %29 {max_val = 3.40282347E+38 : f32, min_val = 0.000000e+00 : f32} : (tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xf32>
    %31 = tosa.reshape %arg5, %20 : (tensor<64x32x1x1xf32>, !tosa.shape<4>) -> tensor<64x1x1x32xf32>
    %32 = tosa.conv2d %30, %31, %arg6, %0, %0 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x32x32x32xf32>, tensor<64x1x1x32xf32>, tensor<64xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x32x32x64xf32>
    %33 = tosa.clamp %32 {max_val = 3.40282347E+38 : f32, min_val = 0.000000e+00 : f32} : (tensor<1x32x32x64xf32>) -> tensor<1x32x32x64xf32>
    %34 = tosa.max_pool2d %33 {kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} : (tensor<1x32x32x64xf32>) -> tensor<1x16x16x64xf32>
    %35 = tosa.transpose %arg7 {perms = array<i32: 0, 2, 3, 1>} : (tensor<64x16x3x3xf32>) -> tensor<64x3x3x16xf32>
    %36 = tosa.slice %34, %4, %1 : (tensor<1x16x16x64xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x16x16x16xf32>
    %37 = tosa.slice %35, %4, %2 : (tensor<64x3x3x16xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<16x3x3x16xf32>
    %38 = tosa.slice %arg8, %5, %3 : (tensor<64xf32>, !tosa.shape<1>, !tosa.shape<1>) -> tensor<16xf32>
    %39 = tosa.conv2d %36, %37, %38, %0, %0 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x16x16x16xf32>, tensor<16x3x3x16xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x16x16x16xf32>
    %40 = tosa.slice %34, %6, %1 : (tensor<1x16x16x64xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x16x16x16xf32>
    %41 = tosa.slice %35, %7, %2 : (tensor<64x3x3x16xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<16x3x3x16xf32>
    %42 = tosa.slice %arg8, %3, %3 : (tensor<64xf32>, !tosa.shape<1>, !tosa.shape<1>) -> tensor<16xf32>
    %43 = tosa.conv2d %40, %41, %42, %0, %0 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x16x16x16xf32>, tensor<16x3x3x16xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x16x16x16xf32>
    %44 = tosa.slice %34, %8, %1 : (tensor<1x16x16x64xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x16x16x16xf32>
    %45 = tosa.slice %35, %9, %2 : (tensor<64x3x3x16xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<16x3x3x16xf32>
    %46 = tosa.slice %arg8, %10, %3 : (tensor<64xf32>, !tosa.shape<1>, !tosa.shape<1>) -> tensor<16xf32>
    %47 = tosa.conv2d %44, %45, %46, %0, %0 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x16x16x16xf32>, tensor<16x3x3x16xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x16x16x16xf32>
    %48 = tosa.slice %34, %11, %1 : (tensor<1x16x16x64xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x16x16x16xf32>
    %49 = tosa.slice %35, %12, %2 : (tensor<64x3x3x16xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<16x3x3x16xf32>
    %50 = tosa.slice %arg8, %13, %3 : (tensor<64xf32>, !tosa.shape<1>, !tosa.shape<1>) -> tensor<16xf32>
    %51 = tosa.conv2d %48, %49, %50, %0, %0 {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x16x16x16xf32>, tensor<16x3x3x16xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x16x16x16xf32>
    %52 = tosa.concat %39, %43, %47, %51 {axis = 3 : i32} : (tensor<1x16x16x16xf32>, tensor<1x16x16x16xf32>, tensor<1x16x16x16xf32>, tensor<1x16x16x16xf32>) -> tensor<1x16x16x64xf32>
    %53 = tosa.clamp %52 {max_val = 3.40282347E+38 : f32, min_val = 0.000000e+00 : f32} : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xf32>
    %54 = tosa.transpose %arg9 {perms = array<i32: 0, 2, 3, 1>} : (tensor<32x64x3x3xf32>) -> tensor<32x3x3x64xf32>
    %55 = tosa.conv2d %53, %54, %arg10, %0, %0 {acc_type = f32, dilation = array<i64: 2, 2>, pad = array<i64: 2, 1, 2, 2>, stride = array<i64: 2, 1>} : (tensor<1x16x16x64xf32>, tensor<32x3x3x64xf32>, tensor<32xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x8x16x32xf32>
    %56 = tosa.transpose %55 {perms = array<i32: 0, 3, 1, 2>} : (tensor<1x8x16x32xf32>) -> tensor<1x32x8x16xf32>
    %57 = tosa.add %arg16, %21 : (tensor<32xf32>, tensor<1xf32>) -> tensor<32xf32>
    %58 = tosa.pow %57, %22 : (tensor<32xf32>, tensor<1xf32>) -> tensor<32xf32>
    %59 = tosa.reciprocal %58 : (tensor<32xf32>) -> tensor<32xf32>
    %60 = tosa.reshape %arg15, %15 : (tensor<32xf32>, !tosa.shape<4>) -> tensor<1x32x1x1xf32>
    %61 = tosa.sub %56, %60 : (tensor<1x32x8x16xf32>, tensor<1x32x1x1xf32>) -> tensor<1x32x8x16xf32>
    %62 = tosa.reshape %59, %15 : (tensor<32xf32>, !tosa.shape<4>) -> tensor<1x32x1x1xf32>
    %63 = tosa.mul %61, %62, %14 : (tensor<1x32x8x16xf32>, tensor<1x32x1x1xf32>, tensor<1xi8>) -> tensor<1x32x8x16xf32>
    %64 = tosa.reshape %arg11, %15 : (tensor<32xf32>, !tosa.shape<4>) -> tensor<1x32x1x1xf32>
    %65 = tosa.mul %63, %64, %14 : (tensor<1x32x8x16xf32>, tensor<1x32x1x1xf32>, tensor<1xi8>) -> tensor<1x32x8x16xf32>
    %66 = tosa.reshape %arg12, %15 : (tensor<32xf32>, !tosa.shape<4>) -> tensor<1x32x1x1xf32>
    %67 = tosa.add %65, %66 : (tensor<1x32x8x16xf32>, tensor<1x32x1x1xf32>) -> tensor<1x32x8x16xf32>
    %68 = tosa.reduce_sum %67 {axis = 2 : i32} : (tensor<1x32x8x16xf32>) -> tensor<1x32x1x16xf32>
    %69 = tosa.reduce_sum %68 {axis = 3 : i32} : (tensor<1x32x1x16xf32>) -> tensor<1x32x1x1xf32>
    %70 = tosa.reshape %69, %16 : (tensor<1x32x1x1xf32>, !tosa.shape<2>) -> tensor<1x32xf32>
    %71 = tosa.mul %70, %23, %14 : (tensor<1x32xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<1x32xf32>
    %72 = tosa.transpose %arg13 {perms = array<i32: 1, 0>} : (tensor<10x32xf32>) -> tensor<32x10xf32>
    %73 = tosa.reshape %71, %17 : (tensor<1x32xf32>, !tosa.shape<3>) -> tensor<1x1x32xf32>
    %74 = tosa.reshape %72, %18 : (tensor<32x10xf32>, !tosa.shape<3>) -> tensor<1x32x10xf32>
    %75 = tosa.matmul %73, %74, %0, %0 : (tensor<1x1x32xf32>, tensor<1x32x10xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x10xf32>
    %76 = tosa.reshape %75, %19 : (tensor<1x1x10xf32>, !tosa.shape<2>) -> tensor<1x10xf32>
    %77 = tosa.reshape %arg14, %19 : (tensor<10xf32>, !tosa.shape<2>) -> tensor<1x10xf32>
    %78 = tosa.add %76, %77 : (tensor<1x10xf32>, tensor<1x10xf32>) -> tensor<1x10xf32>
    return %78 : tensor<1x10xf32>
  }
}
