// Package grow grows one decision tree at a time from gradients over a table of bins.
//
// A tree grows leaf by leaf: the leaf whose best split lowers the loss most is split next.
// Splits are found in histograms, sums of the gradients of a leaf's rows by bin; of two
// children the one with fewer rows is summed and the other is its parent less it.
//
// # Integers
//
// Gradient and hessian of a row are rounded to integers, both packed in one of 64 bits, so
// that one addition serves both and sums do not depend on their order: any number of workers finds the
// same tree. The rounding is unbiased, random but fixed by (seed, tree, row). The units are
// chosen by the sums of the magnitudes, so that no sum of any set of rows can overflow: see
// pack. With half a million rows a gradient of mean size is some 4,000 units. Only which split is
// best is decided on these sums; values of leaves come from the gradients as they were given.
//
// # Gain
//
// A leaf with gradients G and hessians H has the value -T(G)/(H+l2), T taking L1 off the
// magnitude, and lowers the loss by T(G)^2/(H+l2); the gain of a split is what its two leaves lower
// the loss more than the one did. (That is twice the change of the loss to the second order, as
// LightGBM and XGBoost count it.)
//
// Sources: Friedman, "Greedy function approximation", Annals of Statistics 2001; Chen and
// Guestrin, "XGBoost", KDD 2016, equations 5-7; Ke et al., "LightGBM", NIPS 2017; Shi et al.,
// "Quantized Training of Gradient Boosting Decision Trees", NeurIPS 2022 (rounding at random);
// Fisher, "On grouping for maximum homogeneity", JASA 1958 (categories in the order of
// their mean gradient).
package grow
