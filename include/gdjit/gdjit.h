// gdjit: declare a model as an expression graph, compile its training step to native code, run it.
// All a user includes.
#pragma once

#if defined(__clang__) && __clang_major__ < 16
#error "gdjit needs g++ 12 or clang 16: this clang does not know std::source_location"
#endif

#include "gdjit/Data/Checkpoint.h"
#include "gdjit/Data/Split.h"
#include "gdjit/Driver/CompileModel.h"
#include "gdjit/Frontend/Model.h"
#include "gdjit/Frontend/Registry.h"
#include "gdjit/IO/Npy.h"
#include "gdjit/Train/Activations.h"
#include "gdjit/Train/Epoch.h"
#include "gdjit/Train/Layers.h"
#include "gdjit/Train/Losses.h"
#include "gdjit/Train/Metrics.h"
#include "gdjit/Train/Optimizers.h"
#include "gdjit/Train/Schedules.h"
