// The version of gdjit; CMake checks that it is the project's.
#pragma once

#define GDJIT_VERSION "0.1.0"
