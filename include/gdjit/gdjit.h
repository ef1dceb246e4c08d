// gdjit: declare a model as an expression graph, compile its training step to native code, run it.
// All a user includes.
#pragma once

#include "gdjit/Data/Checkpoint.h"
#include "gdjit/Data/Split.h"
#include "gdjit/Driver/CompileModel.h"
#include "gdjit/Frontend/Model.h"
#include "gdjit/Frontend/Registry.h"
#include "gdjit/Train/Activations.h"
#include "gdjit/Train/Layers.h"
#include "gdjit/Train/Losses.h"
#include "gdjit/Train/Metrics.h"
#include "gdjit/Train/Optimizers.h"
#include "gdjit/Train/Schedules.h"
