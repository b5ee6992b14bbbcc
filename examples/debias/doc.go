// Debias shows what training on biased feedback costs, and what weights win back.
//
//	go run ./examples/debias
//	go run ./examples/debias -train train.ascii -test test.ascii -propensities propensities.ascii
//
// Without files it simulates clicks: a pipeline with an explorer serves slates that an old ranker has
// ordered by something that users do not care about, users look at the top more than below and click
// what they like of what they see, and the exposure log is all that training gets. It then estimates the
// examination of each place from the log, trains a model as it comes, with 1/P(examined) on clicks, and with
// the position as a feature, serves fresh requests through each, and compares the slates with what users like.
//
// With files it predicts ratings that users did not choose to give (-test) from those that they did
// (-train), by matrix factorisation (or -model fm) without and with weights 1/P(shown). The files are matrices, a line
// per user and a number per item, 0 where there is no rating; plain or gzip. Without -propensities, the
// probabilities come from a logistic regression on user and item. λ and the floor of probabilities
// are chosen by cross-validation on the training file, the error of the weighted model being itself
// weighted: no test rating and no unbiased one is used before the last line.
package main
