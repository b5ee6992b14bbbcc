//go:build lightgbm

#include <LightGBM/c_api.h>

#include "api.h"
