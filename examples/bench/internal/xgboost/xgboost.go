// Package xgboost reaches XGBoost through its C API, as package lightgbm does LightGBM.
//
// It comes with the build tag xgboost, and needs <xgboost/c_api.h> and libxgboost.so, as in Debian's
// libxgboost-dev. Without the tag, all that would return a handle returns [ErrNotLinked].
//
// Rows are float32, row-major, NaN where a value is missing. Parameters are text, "max_leaves=63 eta=.1". With
// nthread=1 all work is done by the calling thread. A handle is for one goroutine.
package xgboost

import "errors"

// ErrNotLinked says that the program was built without the tag xgboost.
var ErrNotLinked = errors.New("xgboost: not linked; build with -tags xgboost, see examples/bench/README.md")
