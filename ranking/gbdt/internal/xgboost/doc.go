// Package xgboost reads the model files of XGBoost, JSON and UBJSON, of schema 1.0 on: the
// boosters gbtree, dart and gblinear.
//
// The library decides x < threshold in float32 and sends the categories of a set to the right. The
// forest has the largest float32 below each threshold, and children in the other order
// where a node is categorical; leaves keep their names. Sums are in float32, as there.
package xgboost
