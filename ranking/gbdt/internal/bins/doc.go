// Package bins turns columns of values into columns of at most 255 bins: what histograms
// of gradients are summed over.
//
// A numeric column is cut midway between neighbouring distinct values, at quantiles; bin b
// holds the x with Cuts[b-1] < x <= Cuts[b], exactly as a node of a tree decides. Values that
// count as missing have a bin of their own, the last one. Infinities are values like others: below
// and above the finite ones. A categorical column has a bin for each frequent category and one
// for the rest, which is also that of categories never seen, of negative ones and of NaN.
//
// Quantiles and frequencies are those of a sample of the rows, drawn with a seed; which kind of
// missing value a column has is looked up in all rows. A column with one bin in use decides nothing
// and gets no place in the table.
//
// Sources: Chen and Guestrin, "XGBoost", KDD 2016, section 3.2 (approximate splits); Ke et
// al., "LightGBM", NIPS 2017, section 2.1; bins of values that are as frequent as a whole
// bin follow LightGBM's GreedyFindBin.
package bins
