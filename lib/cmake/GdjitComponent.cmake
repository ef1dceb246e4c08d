# gdjit_component(Name): lib/Name/*.cpp as one object library, part of libgdjit.
find_program(GDJIT_CCACHE ccache)
if(GDJIT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${GDJIT_CCACHE})
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# What every target of ours is compiled with: the numeric contract needs contraction off, everywhere.
add_library(gdjit_flags INTERFACE)
target_compile_options(gdjit_flags INTERFACE -Wall -Wextra -Wpedantic -Wno-missing-field-initializers
                                           -ffp-contract=off -fno-fast-math)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(gdjit_flags INTERFACE -Wno-restrict) # false alarms in libstdc++ 12, gcc bug 105651
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(gdjit_flags INTERFACE -Wno-deprecated-declarations) # std::stable_sort of libstdc++ 12
endif()
if(GDJIT_WERROR)
  target_compile_options(gdjit_flags INTERFACE -Werror)
endif()
if(GDJIT_SANITIZE)
  set(sanitize -fsanitize=${GDJIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -O1 -g1)
  if(GDJIT_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    list(APPEND sanitize -fno-sanitize=function) # cannot call JIT code
  endif()
  target_compile_options(gdjit_flags INTERFACE ${sanitize})
  target_compile_definitions(gdjit_flags INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(gdjit_flags INTERFACE ${sanitize})
endif()

function(gdjit_component name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_library(gdjit_${name} OBJECT ${sources})
  target_include_directories(gdjit_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  target_link_libraries(gdjit_${name} PRIVATE gdjit_flags fmt::fmt ${ARGN})
  set_property(GLOBAL APPEND PROPERTY GDJIT_COMPONENTS gdjit_${name})
endfunction()
