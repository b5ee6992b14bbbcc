// Package tree holds the one form that a boosted forest has here, whoever trained it:
// what readers make, the trainer grows, engines compile and explanations walk.
//
// # Decisions
//
// A numeric node sends x to the left if x <= Threshold, in float64. A categorical node sends
// a category to the left if it is in the node's set; everything else, unknown and
// negative categories too, goes to the right. Where a library decides otherwise (XGBoost:
// x < threshold, set goes right), its reader turns thresholds and children until this holds.
//
// What counts as missing is said by the node: see [Missing]. It goes where DefaultLeft says.
//
// # Sums
//
// The raw score of an output is Base plus the leaf values of its trees, added one after
// the other in the order of Trees. Every engine keeps that order, so all give the same
// bits.
package tree
