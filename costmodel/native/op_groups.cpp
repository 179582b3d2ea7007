#include "op_groups.hpp"

#include <cstddef>

#include "lexer.hpp"
#include "name_table.hpp"

namespace costmodel {
namespace {

using enum Role;

constexpr OpGroup kGroups[] = {
    {"add_float", kFloat,
     "arith.addf arith.subf llvm.fadd llvm.fsub stablehlo.add stablehlo.subtract tosa.add tosa.sub"},
    {"multiply_float", kFloat, "arith.mulf llvm.fmul stablehlo.multiply tosa.mul"},
    {"divide_float", kFloat,
     "arith.divf arith.remf llvm.fdiv stablehlo.divide stablehlo.remainder tosa.reciprocal"},
    {"fma", kFma, "math.fma vector.fma llvm.intr.fma llvm.intr.fmuladd"},
    {"min_max_float", kFloat,
     "arith.maximumf arith.minimumf arith.maxnumf arith.minnumf stablehlo.maximum "
     "stablehlo.minimum stablehlo.clamp tosa.maximum tosa.minimum tosa.clamp"},
    {"compare_float", kFloat,
     "arith.cmpf llvm.fcmp stablehlo.compare tosa.greater tosa.greater_equal tosa.equal"},
    {"select", kFloat, "arith.select llvm.select stablehlo.select tosa.select"},
    {"sign_float", kFloat,
     "arith.negf math.absf math.copysign stablehlo.negate stablehlo.abs stablehlo.sign tosa.negate "
     "tosa.abs"},
    {"exponential", kFloat,
     "math.exp math.exp2 math.expm1 stablehlo.exponential stablehlo.exponential_minus_one tosa.exp"},
    {"logarithm", kFloat,
     "math.log math.log2 math.log10 math.log1p stablehlo.log stablehlo.log_plus_one tosa.log"},
    {"sigmoid_like", kFloat,
     "math.tanh math.erf math.erfc stablehlo.tanh stablehlo.logistic chlo.erf chlo.erf_inv "
     "tosa.tanh tosa.sigmoid tosa.erf"},
    {"square_root", kFloat,
     "math.sqrt math.rsqrt math.cbrt stablehlo.sqrt stablehlo.rsqrt stablehlo.cbrt tosa.rsqrt"},
    {"power", kFloat,
     "math.powf math.fpowi math.ipowi stablehlo.power tosa.pow chlo.square chlo.square_root"},
    {"trigonometric", kFloat, "math.sin math.cos math.tan math.atan math.atan2 stablehlo.sine "
                              "stablehlo.cosine stablehlo.tan tosa.sin tosa.cos"},
    {"round", kFloat, "math.floor math.ceil math.round math.roundeven math.trunc stablehlo.floor "
                      "stablehlo.ceil stablehlo.round_nearest_even tosa.floor tosa.ceil"},
    {"math_other", kFloat, "math.* chlo.*"},
    {"add_integer", kOther, "arith.addi arith.subi index.add index.sub llvm.add llvm.sub"},
    {"multiply_integer", kOther, "arith.muli index.mul llvm.mul arith.mulsi_extended"},
    {"divide_integer", kOther,
     "arith.divsi arith.divui arith.remsi arith.remui arith.ceildivsi arith.floordivsi "
     "arith.ceildivui llvm.sdiv llvm.udiv llvm.srem llvm.urem"},
    {"bits", kOther, "arith.andi arith.ori arith.xori arith.shli arith.shrsi arith.shrui llvm.and "
                     "llvm.or llvm.xor llvm.shl llvm.lshr llvm.ashr stablehlo.and stablehlo.or"},
    {"compare_integer", kOther, "arith.cmpi llvm.icmp index.cmp"},
    {"min_max_integer", kOther, "arith.maxsi arith.minsi arith.maxui arith.minui"},
    {"cast", kOther,
     "arith.index_cast arith.index_castui arith.sitofp arith.uitofp arith.fptosi arith.fptoui "
     "arith.extf arith.truncf arith.extsi arith.extui arith.trunci arith.bitcast index.casts "
     "stablehlo.convert tosa.cast tosa.rescale llvm.sext llvm.zext llvm.trunc llvm.fpext "
     "llvm.sitofp"},
    {"constant", kConstant,
     "arith.constant stablehlo.constant tosa.const index.constant llvm.mlir.constant ub.poison"},
    {"arith_other", kOther, "arith.* index.*"},
    {"affine_load", kLoad, "affine.load"},
    {"affine_store", kStore, "affine.store"},
    {"affine_vector_load", kLoad, "affine.vector_load"},
    {"affine_vector_store", kStore, "affine.vector_store"},
    {"affine_for", kLoop, "affine.for"},
    {"affine_parallel", kLoop, "affine.parallel"},
    {"affine_if", kOther, "affine.if"},
    {"affine_apply", kOther,
     "affine.apply affine.min affine.max affine.linearize_index affine.delinearize_index"},
    {"affine_other", kOther, "affine.*"},
    {"load", kLoad, "memref.load llvm.load tensor.extract"},
    {"store", kStore, "memref.store llvm.store tensor.insert"},
    {"alloc", kMove, "memref.alloc memref.alloca tensor.empty bufferization.alloc_tensor"},
    {"dealloc", kOther, "memref.dealloc"},
    {"copy", kMove, "memref.copy linalg.copy bufferization.materialize_in_destination"},
    {"subview", kOther,
     "memref.subview memref.reinterpret_cast memref.cast memref.view memref.transpose"},
    {"reshape", kOther,
     "memref.expand_shape memref.collapse_shape memref.reshape tensor.expand_shape "
     "tensor.collapse_shape tensor.reshape stablehlo.reshape tosa.reshape"},
    {"memref_other", kOther, "memref.*"},
    {"transfer_read", kLoad, "vector.transfer_read"},
    {"transfer_write", kStore, "vector.transfer_write"},
    {"vector_load", kLoad, "vector.load vector.maskedload vector.gather vector.expandload"},
    {"vector_store", kStore,
     "vector.store vector.maskedstore vector.scatter vector.compressstore"},
    {"vector_contract", kContraction, "vector.contract"},
    {"vector_outerproduct", kFma, "vector.outerproduct"},
    {"vector_reduction", kReduction, "vector.reduction vector.multi_reduction vector.scan"},
    {"vector_broadcast", kOther, "vector.broadcast vector.splat"},
    {"vector_extract", kOther,
     "vector.extract vector.extractelement vector.extract_strided_slice vector.scalable.extract"},
    {"vector_insert", kOther,
     "vector.insert vector.insertelement vector.insert_strided_slice vector.scalable.insert"},
    {"vector_shuffle", kOther, "vector.shuffle vector.interleave vector.deinterleave"},
    {"vector_transpose", kOther, "vector.transpose vector.flat_transpose"},
    {"vector_shape_cast", kOther, "vector.shape_cast vector.bitcast vector.type_cast"},
    {"vector_mask", kOther, "vector.create_mask vector.constant_mask vector.mask"},
    {"vector_other", kOther, "vector.*"},
    {"generic", kGeneric, "linalg.generic linalg.map linalg.elementwise"},
    {"matmul", kContraction,
     "linalg.matmul linalg.matmul_transpose_a linalg.matmul_transpose_b linalg.quantized_matmul "
     "linalg.contract linalg.mmt4d tosa.matmul tosa.fully_connected"},
    {"batch_matmul", kContraction,
     "linalg.batch_matmul linalg.batch_matmul_transpose_a linalg.batch_matmul_transpose_b "
     "linalg.batch_reduce_matmul linalg.batch_mmt4d"},
    {"matvec", kContraction,
     "linalg.matvec linalg.vecmat linalg.dot linalg.batch_matvec linalg.batch_vecmat"},
    {"fill", kMove, "linalg.fill tensor.splat linalg.fill_rng_2d"},
    {"elementwise", kFloat,
     "linalg.add linalg.sub linalg.mul linalg.div linalg.max linalg.min linalg.exp linalg.log "
     "linalg.abs linalg.ceil linalg.floor linalg.negf linalg.tanh linalg.sqrt linalg.rsqrt "
     "linalg.erf linalg.select linalg.square linalg.reciprocal linalg.round linalg.powf"},
    {"transpose", kMove, "linalg.transpose stablehlo.transpose tosa.transpose"},
    {"broadcast", kMove, "linalg.broadcast stablehlo.broadcast_in_dim stablehlo.broadcast tosa.tile"},
    {"reduce", kReduction,
     "linalg.reduce stablehlo.reduce tosa.reduce_sum tosa.reduce_max tosa.reduce_min "
     "tosa.reduce_product linalg.softmax"},
    {"convolution", kContraction,
     "stablehlo.convolution tosa.conv2d tosa.conv3d tosa.transpose_conv2d linalg.conv_1d "
     "linalg.conv_2d linalg.conv_3d linalg.conv_1d_ncw_fcw linalg.conv_1d_nwc_wcf "
     "linalg.conv_2d_nchw_fchw linalg.conv_2d_nhwc_hwcf linalg.conv_2d_nhwc_fhwc "
     "linalg.conv_2d_ngchw_fgchw linalg.conv_2d_ngchw_gfchw linalg.conv_3d_ncdhw_fcdhw "
     "linalg.conv_3d_ndhwc_dhwcf linalg.conv_2d_nhwgc_gfhwc"},
    {"depthwise", kContraction,
     "tosa.depthwise_conv2d linalg.depthwise_conv_1d_ncw_cw linalg.depthwise_conv_1d_nwc_wc "
     "linalg.depthwise_conv_2d_nchw_chw linalg.depthwise_conv_2d_nhwc_hwc "
     "linalg.depthwise_conv_2d_nhwc_hwcm linalg.depthwise_conv_1d_nwc_wcm"},
    {"pooling", kReduction,
     "stablehlo.reduce_window tosa.max_pool2d tosa.avg_pool2d linalg.pooling_nhwc_sum "
     "linalg.pooling_nhwc_max linalg.pooling_nchw_sum linalg.pooling_nchw_max "
     "linalg.pooling_ncw_sum linalg.pooling_ncw_max linalg.pooling_nwc_sum linalg.pooling_nwc_max"},
    {"pack", kMove, "linalg.pack linalg.unpack"},
    {"linalg_other", kOther, "linalg.*"},
    {"dot_general", kContraction, "stablehlo.dot_general stablehlo.dot"},
    {"pad", kMove, "tensor.pad stablehlo.pad tosa.pad"},
    {"slice", kMove, "tensor.extract_slice stablehlo.slice stablehlo.dynamic_slice tosa.slice"},
    {"insert_slice", kMove,
     "tensor.insert_slice tensor.parallel_insert_slice stablehlo.dynamic_update_slice"},
    {"concatenate", kMove, "tensor.concat stablehlo.concatenate tosa.concat"},
    {"gather", kMove, "stablehlo.gather tosa.gather tensor.gather stablehlo.scatter tosa.scatter"},
    {"iota", kOther, "stablehlo.iota stablehlo.sort linalg.index"},
    {"tensor_other", kOther, "tensor.*"},
    {"stablehlo_other", kOther, "stablehlo.* mhlo.*"},
    {"tosa_other", kOther, "tosa.*"},
    {"torch", kOther, "torch.*"},
    {"scf_for", kLoop, "scf.for"},
    {"scf_parallel", kLoop, "scf.parallel scf.forall"},
    {"scf_while", kOther, "scf.while stablehlo.while"},
    {"if", kOther, "scf.if stablehlo.if stablehlo.case scf.index_switch"},
    {"yield", kOther, "linalg.yield scf.yield affine.yield tensor.yield stablehlo.return"},
    {"branch", kOther, "cf.br cf.cond_br cf.switch cf.* llvm.br llvm.cond_br"},
    {"scf_other", kOther, "scf.*"},
    {"function", kOther, "func.func func llvm.func module builtin.module"},
    {"call", kOther, "func.call call llvm.call func.call_indirect"},
    {"return", kOther, "func.return return llvm.return"},
    {"bufferization", kOther, "bufferization.*"},
    {"gpu", kOther, "gpu.* nvgpu.* nvvm.* rocdl.* amdgpu.*"},
    {"llvm_other", kOther, "llvm.*"},
    {"complex", kFloat, "complex.*"},
    {"transform", kOther, "transform.*"},
    {"unknown", kOther, ""},
};
constexpr int kCount = static_cast<int>(std::size(kGroups));

struct Groups {
  NameTable<int> exact, dialects;
  Groups() {
    for (int group = 0; group < kCount; ++group) {
      std::string_view rest = kGroups[group].operations;
      while (!rest.empty()) {
        const std::size_t space = rest.find(' ');
        const std::string_view name = rest.substr(0, space);
        rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
        if (name.ends_with(".*")) dialects.put(hash_name(name.substr(0, name.size() - 2)), group);
        else exact.put(hash_name(name), group);
      }
    }
  }
};

}  // namespace

std::span<const OpGroup> op_groups() { return kGroups; }

int op_group(std::string_view operation, bool& exact) {
  static Groups groups;
  exact = true;
  if (const int* known = groups.exact.find(hash_name(operation))) return *known;
  exact = false;
  const std::string_view dialect = operation.substr(0, operation.find('.'));
  if (dialect.size() != operation.size())
    if (const int* known = groups.dialects.find(hash_name(dialect))) return *known;
  return kCount - 1;
}

}  // namespace costmodel
