// Texts that use every construct of the language, in the form in which they are printed; shared by
// the text's tests.
#pragma once

#include <string_view>

namespace gdjit::testing {

inline constexpr std::string_view graph_text = R"gdir(gdir 1
stage fused
model "every construct"
step training
batch 6

input x : f32[6,2], batch axis 0                        @ 05.cpp:8:14
input "class number" : i64[6], batch axis 0             @ "a folder/05.cpp":9
scalar lr : f32 = 0.1
scalar seed : i64
scalar step : i64
scalar training : bool = true
let %0 = mul:f32[2,1](uniform(seed, step, stream="w\"1"), 0.5)
state w : f32[2,1] = sub(%0, add(%0, nan))              @ 05.cpp:10:17
state b : f32[1] = zeros                                @ 05.cpp:11:17
state table : f32[2,2] = constant([[1, -0.0], [inf, 1e-45]])
state block1/sgd/step : i64[] = 0
state flags : bool[3] = ones
output loss : f32[]                                     @ 05.cpp:13:3
output passed : bool[6,1], batch axis 0
update w                                                @ 05.cpp:13:3
update b
data x : f32[3,2] = [[1, 2], [2, 3], [3, 1]]
data "class number" = file "labels.npy"
example x : f32[2,0] = []

graph {
  %x = input x : f32[6,2]                               @ 05.cpp:8:14
  %w = state w : f32[2,1]
  %2 = state b : f32[1]
  %lr = scalar lr : f32[]
  %4 = constant [1, 2.5, -0.0, nan, -inf] : f32[5]
  %5 = constant splat true : bool[20]
  kernel k0 "x·w+b, sigmoid" {
    %6 = matmul %x, %w order=f32:sequential : f32[6,1]  @ 05.cpp:12:28
    %7 = broadcast %2 : f32[6,1]                        @ 05.cpp:12:28
    %8 = add %6, %7 : f32[6,1]                          @ 05.cpp:12:28
    %"p of 1" = sigmoid %8 : f32[6,1]                   @ 05.cpp:12:20
    %10 = constant 0.5 : f32[]
    %11 = broadcast %10 : f32[6,1]
    %12 = gt %"p of 1", %11 : bool[6,1]
    %13 = concat %8, %8, %8 axis=0 : f32[18,1]
    %14 = slice %13 start=[0, 0] limit=[18, 1] step=[3, 1] : f32[6,1]
  } because "the loss needs the whole sum"
  kernel k1 "loss" {
    %15 = sum %14 axes=[0, 1] order=f32:partials(16) : f32[]
    %16 = sum %14 axes=[0] keepdims order=f32:blocks(16384,16) : f32[1,1]
backward:
    %17 = matmul %x, %14 transpose_lhs order=f32:sequential : f32[2,1]  @ 05.cpp:12:28
update:
    %18 = broadcast %lr : f32[2,1]
    %19 = mul %17, %18 : f32[2,1]
    %d_w = sub %w, %19 : f32[2,1]
    %21 = reshape %16 : f32[1]
  }
  output loss = %15
  output passed = %12
  update w = %d_w
  update b = %21
}
)gdir";

inline constexpr std::string_view loop_text = R"gdir(gdir 1
stage planned
model logistic_regression
step training
batch 6

input x : f32[6,16], batch axis 0                       @ 05.cpp:8:14
input rows : i64[4]
scalar lr : f32 = 0.1
state w : f32[16] = zeros
output loss : f32[]
output p : f32[4]
update w

buffer x : f32[6,16] = input x, in argument
buffer rows : i64[4] = input rows, in argument
buffer lr : f32[] = scalar lr, in argument
buffer w : f32[16] = state w, in argument
buffer w.next : f32[16] = update w, same as w, in shared
buffer table : f32[3] = constant [0.5, -0.0, nan], in constants
buffer t : f32[6,16] = temporary, in arena + 64
buffer t.view : f32[96] = temporary, same as t, in shared
buffer loss : f32[] = output loss, in arena + 0
buffer "p of 1" : f32[4] = output p, in arena + 448
arena 512 bytes
note @3 unused (backward)

kernel k0 "x·w" {
  parallel for i in 0..6 {                              @5 matmul (05.cpp:12:28)
    for j in 0..16 step 16 {
      %0 = load x[i, j+lane] : f32x16                   @5 matmul (05.cpp:12:28)
      %1 = load w[j+lane] : f32x16
      %2 = mul %0, %1
      streaming store t[i, j+lane] = %2
    }
  }
} because "the sum needs all of t"

kernel k1 "loss, update" {
  tile t0[4] : f32x16 = -0.0                            @7 loss (backward 05.cpp:13:3)
  tile t1 : f64 = 1
  unrolled for i in 0..4 {
    for i1 in -1..5 step 3 {
      %0 = load t.view[16*i+4*i1+lane+4] : f32x16
      %1 = get t0[i]
      %2 = add %1, %0
      set t0[i] = %2
    }
  }
  %3 = join add t0
  store loss = %3
  %4 = 1e-45 : f32                                      @8 ""
  %5 = 7 : i64                                          @none
  %6 = index lane+3 : i64x16                            @9
  %7 = lt %6, %5
  %8 = load w[lane+8] if %7 else %4 : f32x16
  %9 = load table[1]
  %10 = fma %8, %9, %4
  store w.next[lane+8] = %10 if %7
  for k in 0..4 {
    %11 = load rows[k]                                  @12 gather ("a folder/05.cpp":14:9)
    %12 = ge %11, %5
    check %12 at k
    %13 = load x[%11, 3]
    %14 = convert %13 : f64
    set t1 = %14
    %15 = -2147483648 : i32
    %16 = bitcast %15
    %17 = select %12, %16, %13
    store "p of 1"[-k+3] = %17
    prefetch t[5, 4*k]
  }
}

end
)gdir";

} // namespace gdjit::testing
