// The program of scan_jax.mlir in the generic form of MLIR's printer.
"builtin.module"() <{sym_name = "jit_rnn"}> ({
  "func.func"() <{arg_attrs = [{}, {}, {}, {}], function_type = (tensor<4x32xf32>, tensor<10x4x16xf32>, tensor<32x32xf32>, tensor<16x32xf32>) -> (tensor<4x32xf32>, tensor<10x4x32xf32>), res_attrs = [{jax.result_info = "result[0]"}, {jax.result_info = "result[1]"}], sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg9: tensor<4x32xf32>, %arg10: tensor<10x4x16xf32>, %arg11: tensor<32x32xf32>, %arg12: tensor<16x32xf32>):
    %12 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}> : () -> tensor<f32>
    %13 = "stablehlo.broadcast_in_dim"(%12) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<10x4x32xf32>
    %14 = "stablehlo.constant"() <{value = dense<0> : tensor<i32>}> : () -> tensor<i32>
    %15:6 = "stablehlo.while"(%arg10, %arg11, %arg12, %14, %arg9, %13) ({
    ^bb0(%arg19: tensor<10x4x16xf32>, %arg20: tensor<32x32xf32>, %arg21: tensor<16x32xf32>, %arg22: tensor<i32>, %arg23: tensor<4x32xf32>, %arg24: tensor<10x4x32xf32>):
      %21 = "stablehlo.constant"() <{value = dense<10> : tensor<i32>}> : () -> tensor<i32>
      %22 = "stablehlo.compare"(%arg22, %21) <{compare_type = #stablehlo<comparison_type SIGNED>, comparison_direction = #stablehlo<comparison_direction LT>}> : (tensor<i32>, tensor<i32>) -> tensor<i1>
      "stablehlo.return"(%22) : (tensor<i1>) -> ()
    }, {
    ^bb0(%arg13: tensor<10x4x16xf32>, %arg14: tensor<32x32xf32>, %arg15: tensor<16x32xf32>, %arg16: tensor<i32>, %arg17: tensor<4x32xf32>, %arg18: tensor<10x4x32xf32>):
      %16 = "func.call"(%arg13, %arg16) <{callee = @dynamic_index_in_dim}> : (tensor<10x4x16xf32>, tensor<i32>) -> tensor<4x16xf32>
      %17:2 = "func.call"(%arg14, %arg15, %arg17, %16) <{callee = @closed_call}> : (tensor<32x32xf32>, tensor<16x32xf32>, tensor<4x32xf32>, tensor<4x16xf32>) -> (tensor<4x32xf32>, tensor<4x32xf32>)
      %18 = "func.call"(%arg18, %17#1, %arg16) <{callee = @dynamic_update_index_in_dim}> : (tensor<10x4x32xf32>, tensor<4x32xf32>, tensor<i32>) -> tensor<10x4x32xf32>
      %19 = "stablehlo.constant"() <{value = dense<1> : tensor<i32>}> : () -> tensor<i32>
      %20 = "stablehlo.add"(%arg16, %19) : (tensor<i32>, tensor<i32>) -> tensor<i32>
      "stablehlo.return"(%arg13, %arg14, %arg15, %20, %17#0, %18) : (tensor<10x4x16xf32>, tensor<32x32xf32>, tensor<16x32xf32>, tensor<i32>, tensor<4x32xf32>, tensor<10x4x32xf32>) -> ()
    }) : (tensor<10x4x16xf32>, tensor<32x32xf32>, tensor<16x32xf32>, tensor<i32>, tensor<4x32xf32>, tensor<10x4x32xf32>) -> (tensor<10x4x16xf32>, tensor<32x32xf32>, tensor<16x32xf32>, tensor<i32>, tensor<4x32xf32>, tensor<10x4x32xf32>)
    "func.return"(%15#4, %15#5) : (tensor<4x32xf32>, tensor<10x4x32xf32>) -> ()
  }) : () -> ()
  "func.func"() <{arg_attrs = [{}, {}], function_type = (tensor<10x4x16xf32>, tensor<i32>) -> tensor<4x16xf32>, res_attrs = [{}], sym_name = "dynamic_index_in_dim", sym_visibility = "private"}> ({
  ^bb0(%arg7: tensor<10x4x16xf32>, %arg8: tensor<i32>):
    %8 = "stablehlo.constant"() <{value = dense<0> : tensor<i32>}> : () -> tensor<i32>
    %9 = "stablehlo.constant"() <{value = dense<0> : tensor<i32>}> : () -> tensor<i32>
    %10 = "stablehlo.dynamic_slice"(%arg7, %arg8, %8, %9) <{slice_sizes = array<i64: 1, 4, 16>}> : (tensor<10x4x16xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x4x16xf32>
    %11 = "stablehlo.reshape"(%10) : (tensor<1x4x16xf32>) -> tensor<4x16xf32>
    "func.return"(%11) : (tensor<4x16xf32>) -> ()
  }) : () -> ()
  "func.func"() <{function_type = (tensor<32x32xf32>, tensor<16x32xf32>, tensor<4x32xf32>, tensor<4x16xf32>) -> (tensor<4x32xf32>, tensor<4x32xf32>), res_attrs = [{}, {}], sym_name = "closed_call", sym_visibility = "private"}> ({
  ^bb0(%arg3: tensor<32x32xf32>, %arg4: tensor<16x32xf32>, %arg5: tensor<4x32xf32>, %arg6: tensor<4x16xf32>):
    %4 = "stablehlo.dot_general"(%arg5, %arg3) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]}> : (tensor<4x32xf32>, tensor<32x32xf32>) -> tensor<4x32xf32>
    %5 = "stablehlo.dot_general"(%arg6, %arg4) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]}> : (tensor<4x16xf32>, tensor<16x32xf32>) -> tensor<4x32xf32>
    %6 = "stablehlo.add"(%4, %5) : (tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
    %7 = "stablehlo.tanh"(%6) : (tensor<4x32xf32>) -> tensor<4x32xf32>
    "func.return"(%7, %7) : (tensor<4x32xf32>, tensor<4x32xf32>) -> ()
  }) : () -> ()
  "func.func"() <{arg_attrs = [{}, {}, {}], function_type = (tensor<10x4x32xf32>, tensor<4x32xf32>, tensor<i32>) -> tensor<10x4x32xf32>, res_attrs = [{}], sym_name = "dynamic_update_index_in_dim", sym_visibility = "private"}> ({
  ^bb0(%arg0: tensor<10x4x32xf32>, %arg1: tensor<4x32xf32>, %arg2: tensor<i32>):
    %0 = "stablehlo.broadcast_in_dim"(%arg1) <{broadcast_dimensions = array<i64: 1, 2>}> : (tensor<4x32xf32>) -> tensor<1x4x32xf32>
    %1 = "stablehlo.constant"() <{value = dense<0> : tensor<i32>}> : () -> tensor<i32>
    %2 = "stablehlo.constant"() <{value = dense<0> : tensor<i32>}> : () -> tensor<i32>
    %3 = "stablehlo.dynamic_update_slice"(%arg0, %0, %arg2, %1, %2) : (tensor<10x4x32xf32>, tensor<1x4x32xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<10x4x32xf32>
    "func.return"(%3) : (tensor<10x4x32xf32>) -> ()
  }) : () -> ()
}) {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} : () -> ()
