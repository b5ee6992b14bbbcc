// Calibrate trains a model on a table, calibrates it on rows that it has not seen, and measures on a
// third set how true its probabilities are.
//
//	go run ./examples/calibrate -train train.csv -test test.csv -label income -positive '>50K' \
//		-ids workclass,education,occupation -segment sex -report curves.html
//
// A share of the training file is held back, and each method is fitted on it; which one serves
// is chosen by cross-validation of the log loss within that share, none being one of them, so that the test file
// judges and decides nothing. -segment tests, for each value of an ID column, whether the probabilities are off by more than
// chance, before and after.
package main
