// A program of two kernels that are equal up to their buffers and nodes.
#pragma once

#include "gdjit/Driver/ReadStep.h"

namespace gdjit::test {

/// Kernel k1 does with c and d what k0 does with a and b.
inline constexpr std::string_view two_kernels = R"gdir(gdir 1
stage loops
model two
step training
batch 6

input a : f32[6,16]
input c : f32[6,16]
output b : f32[6,16]
output d : f32[6,16]

buffer a : f32[6,16] = input a
buffer c : f32[6,16] = input c
buffer b : f32[6,16] = output b
buffer d : f32[6,16] = output d

kernel k0 "first" {
  for i in 0..6 {                                       @1 first
    for j in 0..8 {                                     @1 first
      tile t0 : f32 = -0.0                              @1 first
      %0 = load a[i, 2*j]                               @2 first
      %1 = 0.5 : f32                                    @1 first
      %2 = mul %0, %1                                   @1 first
      %3 = lt %0, %1                                    @1 first
      set t0 = %2                                       @1 first
      %4 = get t0                                       @1 first
      store b[i, 2*j] = %4 if %3                        @1 first
    }
  }
}

kernel k1 "second" {
  for i in 0..6 {                                       @5 second
    for j in 0..8 {                                     @5 second
      tile t0 : f32 = -0.0                              @5 second
      %0 = load c[i, 2*j]                               @8 second
      %1 = 0.5 : f32                                    @5 second
      %2 = mul %0, %1                                   @5 second
      %3 = lt %0, %1                                    @5 second
      set t0 = %2                                       @5 second
      %4 = get t0                                       @5 second
      store d[i, 2*j] = %4 if %3                        @5 second
    }
  }
}

end
)gdir";

inline loop::Program read_program(std::string_view text) {
  return read_step(text, "t.gdir").program;
}

/// The same, k1 without statements of its own.
inline loop::Program one_kernel_twice() {
  loop::Program program = read_program(two_kernels);
  program.kernels[0].buffers = {0, 2};
  program.kernels[0].nodes = {1, 2};
  loop::Kernel same;
  same.name = program.kernels[1].name;
  same.title = program.kernels[1].title;
  same.same_as = 0;
  same.buffers = {1, 3};
  same.nodes = {5, 8};
  program.kernels[1] = same;
  return program;
}

} // namespace gdjit::test
