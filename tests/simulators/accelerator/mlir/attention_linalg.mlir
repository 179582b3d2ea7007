// The attention block of attention_jax.mlir after stablehlo-legalize-to-linalg.
#map = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d4)>
#map1 = affine_map<(d0, d1, d2, d3, d4) -> (d4, d2, d3)>
#map2 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
#map3 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)>
#map4 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d1, d4)>
#map5 = affine_map<(d0, d1, d2, d3) -> ()>
#map6 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map7 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#map8 = affine_map<(d0, d1, d2) -> ()>
#map9 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map10 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
#map11 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d4, d1, d2)>
#map12 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3, d4)>
#map13 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3, d1)>
#map14 = affine_map<(d0, d1, d2, d3, d4) -> (d3, d4, d2)>
#map15 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2)>
#map16 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
#map17 = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
module @jit_attn attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<2x16x64xf32>, %arg1: tensor<64x4x16xf32>, %arg2: tensor<64x4x16xf32>, %arg3: tensor<64x4x16xf32>, %arg4: tensor<4x16x64xf32>, %arg5: tensor<64x256xf32>, %arg6: tensor<256x64xf32>) -> (tensor<2x16x64xf32> {jax.result_info = "result"}) {
    %cst = arith.constant dense<5.000000e-01> : tensor<f32>
    %cst_0 = arith.constant dense<1.000000e+00> : tensor<f32>
    %cst_1 = arith.constant dense<0.797884583> : tensor<f32>
    %cst_2 = arith.constant dense<4.471500e-02> : tensor<f32>
    %cst_3 = arith.constant 0xFF800000 : f32
    %cst_4 = arith.constant dense<0xFF800000> : tensor<f32>
    %cst_5 = arith.constant dense<8.000000e+00> : tensor<f32>
    %cst_6 = arith.constant 0.000000e+00 : f32
    %0 = tensor.empty() : tensor<2x16x4x16xf32>
    %1 = linalg.fill ins(%cst_6 : f32) outs(%0 : tensor<2x16x4x16xf32>) -> tensor<2x16x4x16xf32>
    %2 = linalg.generic {indexing_maps = [#map, #map1, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%arg0, %arg1 : tensor<2x16x64xf32>, tensor<64x4x16xf32>) outs(%1 : tensor<2x16x4x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      %49 = arith.addf %out, %48 : f32
      linalg.yield %49 : f32
    } -> tensor<2x16x4x16xf32>
    %3 = linalg.generic {indexing_maps = [#map, #map1, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%arg0, %arg2 : tensor<2x16x64xf32>, tensor<64x4x16xf32>) outs(%1 : tensor<2x16x4x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      %49 = arith.addf %out, %48 : f32
      linalg.yield %49 : f32
    } -> tensor<2x16x4x16xf32>
    %4 = linalg.generic {indexing_maps = [#map, #map1, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%arg0, %arg3 : tensor<2x16x64xf32>, tensor<64x4x16xf32>) outs(%1 : tensor<2x16x4x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      %49 = arith.addf %out, %48 : f32
      linalg.yield %49 : f32
    } -> tensor<2x16x4x16xf32>
    %5 = tensor.empty() : tensor<2x4x16x16xf32>
    %6 = linalg.fill ins(%cst_6 : f32) outs(%5 : tensor<2x4x16x16xf32>) -> tensor<2x4x16x16xf32>
    %7 = linalg.generic {indexing_maps = [#map3, #map4, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%2, %3 : tensor<2x16x4x16xf32>, tensor<2x16x4x16xf32>) outs(%6 : tensor<2x4x16x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      %49 = arith.addf %out, %48 : f32
      linalg.yield %49 : f32
    } -> tensor<2x4x16x16xf32>
    %8 = linalg.generic {indexing_maps = [#map5, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_5 : tensor<f32>) outs(%5 : tensor<2x4x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x16x16xf32>
    %9 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%7, %8 : tensor<2x4x16x16xf32>, tensor<2x4x16x16xf32>) outs(%5 : tensor<2x4x16x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.divf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x4x16x16xf32>
    %10 = tensor.empty() : tensor<2x4x16xf32>
    %11 = linalg.fill ins(%cst_3 : f32) outs(%10 : tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
    %12 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%9 : tensor<2x4x16x16xf32>) outs(%11 : tensor<2x4x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %48 = arith.maximumf %out, %in : f32
      linalg.yield %48 : f32
    } -> tensor<2x4x16xf32>
    %13 = linalg.generic {indexing_maps = [#map8, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_4 : tensor<f32>) outs(%10 : tensor<2x4x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x16xf32>
    %14 = linalg.generic {indexing_maps = [#map9, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%13, %12 : tensor<2x4x16xf32>, tensor<2x4x16xf32>) outs(%10 : tensor<2x4x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.maximumf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x4x16xf32>
    %15 = tensor.empty() : tensor<2x4x16x1xf32>
    %16 = linalg.generic {indexing_maps = [#map7, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%14 : tensor<2x4x16xf32>) outs(%15 : tensor<2x4x16x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x16x1xf32>
    %17 = linalg.generic {indexing_maps = [#map10, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%16 : tensor<2x4x16x1xf32>) outs(%5 : tensor<2x4x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x16x16xf32>
    %18 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%9, %17 : tensor<2x4x16x16xf32>, tensor<2x4x16x16xf32>) outs(%5 : tensor<2x4x16x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.subf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x4x16x16xf32>
    %19 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%18 : tensor<2x4x16x16xf32>) outs(%5 : tensor<2x4x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %48 = math.exp %in : f32
      linalg.yield %48 : f32
    } -> tensor<2x4x16x16xf32>
    %20 = linalg.fill ins(%cst_6 : f32) outs(%10 : tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
    %21 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%19 : tensor<2x4x16x16xf32>) outs(%20 : tensor<2x4x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %48 = arith.addf %out, %in : f32
      linalg.yield %48 : f32
    } -> tensor<2x4x16xf32>
    %22 = linalg.generic {indexing_maps = [#map7, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%21 : tensor<2x4x16xf32>) outs(%15 : tensor<2x4x16x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x16x1xf32>
    %23 = linalg.generic {indexing_maps = [#map10, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%22 : tensor<2x4x16x1xf32>) outs(%5 : tensor<2x4x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x16x16xf32>
    %24 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%19, %23 : tensor<2x4x16x16xf32>, tensor<2x4x16x16xf32>) outs(%5 : tensor<2x4x16x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.divf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x4x16x16xf32>
    %25 = linalg.generic {indexing_maps = [#map11, #map12, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%4, %24 : tensor<2x16x4x16xf32>, tensor<2x4x16x16xf32>) outs(%6 : tensor<2x4x16x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      %49 = arith.addf %out, %48 : f32
      linalg.yield %49 : f32
    } -> tensor<2x4x16x16xf32>
    %26 = linalg.generic {indexing_maps = [#map13, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%25 : tensor<2x4x16x16xf32>) outs(%0 : tensor<2x16x4x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x16x4x16xf32>
    %27 = tensor.empty() : tensor<2x16x64xf32>
    %28 = linalg.fill ins(%cst_6 : f32) outs(%27 : tensor<2x16x64xf32>) -> tensor<2x16x64xf32>
    %29 = linalg.generic {indexing_maps = [#map12, #map14, #map15], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%26, %arg4 : tensor<2x16x4x16xf32>, tensor<4x16x64xf32>) outs(%28 : tensor<2x16x64xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      %49 = arith.addf %out, %48 : f32
      linalg.yield %49 : f32
    } -> tensor<2x16x64xf32>
    %30 = linalg.generic {indexing_maps = [#map9, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%29, %arg0 : tensor<2x16x64xf32>, tensor<2x16x64xf32>) outs(%27 : tensor<2x16x64xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.addf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x16x64xf32>
    %31 = tensor.empty() : tensor<2x16x256xf32>
    %32 = linalg.fill ins(%cst_6 : f32) outs(%31 : tensor<2x16x256xf32>) -> tensor<2x16x256xf32>
    %33 = linalg.generic {indexing_maps = [#map16, #map17, #map7], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%30, %arg5 : tensor<2x16x64xf32>, tensor<64x256xf32>) outs(%32 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      %49 = arith.addf %out, %48 : f32
      linalg.yield %49 : f32
    } -> tensor<2x16x256xf32>
    %34 = linalg.generic {indexing_maps = [#map9, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%33, %33 : tensor<2x16x256xf32>, tensor<2x16x256xf32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x16x256xf32>
    %35 = linalg.generic {indexing_maps = [#map9, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%34, %33 : tensor<2x16x256xf32>, tensor<2x16x256xf32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x16x256xf32>
    %36 = linalg.generic {indexing_maps = [#map8, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_2 : tensor<f32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x16x256xf32>
    %37 = linalg.generic {indexing_maps = [#map9, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%36, %35 : tensor<2x16x256xf32>, tensor<2x16x256xf32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x16x256xf32>
    %38 = linalg.generic {indexing_maps = [#map9, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%33, %37 : tensor<2x16x256xf32>, tensor<2x16x256xf32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.addf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x16x256xf32>
    %39 = linalg.generic {indexing_maps = [#map8, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_1 : tensor<f32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x16x256xf32>
    %40 = linalg.generic {indexing_maps = [#map9, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%39, %38 : tensor<2x16x256xf32>, tensor<2x16x256xf32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x16x256xf32>
    %41 = linalg.generic {indexing_maps = [#map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%40 : tensor<2x16x256xf32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %out: f32):
      %48 = math.tanh %in : f32
      linalg.yield %48 : f32
    } -> tensor<2x16x256xf32>
    %42 = linalg.generic {indexing_maps = [#map8, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_0 : tensor<f32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x16x256xf32>
    %43 = linalg.generic {indexing_maps = [#map9, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%42, %41 : tensor<2x16x256xf32>, tensor<2x16x256xf32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.addf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x16x256xf32>
    %44 = linalg.generic {indexing_maps = [#map8, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst : tensor<f32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x16x256xf32>
    %45 = linalg.generic {indexing_maps = [#map9, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%44, %43 : tensor<2x16x256xf32>, tensor<2x16x256xf32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x16x256xf32>
    %46 = linalg.generic {indexing_maps = [#map9, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel"]} ins(%33, %45 : tensor<2x16x256xf32>, tensor<2x16x256xf32>) outs(%31 : tensor<2x16x256xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      linalg.yield %48 : f32
    } -> tensor<2x16x256xf32>
    %47 = linalg.generic {indexing_maps = [#map16, #map17, #map7], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%46, %arg6 : tensor<2x16x256xf32>, tensor<256x64xf32>) outs(%28 : tensor<2x16x64xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %48 = arith.mulf %in, %in_7 : f32
      %49 = arith.addf %out, %48 : f32
      linalg.yield %49 : f32
    } -> tensor<2x16x64xf32>
    return %47 : tensor<2x16x64xf32>
  }
}

