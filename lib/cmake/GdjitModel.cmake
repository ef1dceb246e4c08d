# gdjit_add_model(target source...): models with GDJIT_MODEL as a shared object that the tool loads,
#   gdjit train path/to/target.so
# The output stands where CMake puts library outputs of the folder, under the target's name.
function(gdjit_add_model target)
  if(NOT ARGN)
    message(FATAL_ERROR "gdjit_add_model(${target}): name the model's source files")
  endif()
  add_library(${target} MODULE ${ARGN})
  target_link_libraries(${target} PRIVATE gdjit::gdjit)
  set_target_properties(${target} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden)
endfunction()
