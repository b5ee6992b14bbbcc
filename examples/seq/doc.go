// Command seq trains a model of sequences and measures how well it foretells the next item,
// the way that research papers do: hit rate, NDCG and mean reciprocal rank at k, over a full
// ranking of the catalogue or over sampled negatives.
//
//	seq -data Beauty.txt.gz -model markov
//	seq -data log.csv -ids string -model stan
//	seq -data Video.txt.gz -format pairs -protocol sampled -eval-users 10000 -model markov
//	seq -train train_sessions.txt.gz -test test.txt.gz -format sessions -model combined -k 20 -tune 30
//	seq -data Beauty.txt.gz -model blend -sources markov:gap=20:reverse=0.3,stan,vsknn
//	seq -train train_sessions.txt.gz -test test.txt.gz -format sessions -model blend -k 20 -sources combined,sasrec:temperature=0.07:epochs=8:validation=0
//
// # Files
//
// Ids are unsigned numbers, or with -ids string whatever stands there. Files may be gzip.
//
// With -data, one file holds the sequences of users, each in the order of time: with -format
// lists a line is "user item item …", with pairs "user item", with csv
// "user,item[,value][,time]", a header optional. The last item of every sequence of three or
// more is its test, the rest is training data; shorter ones are training data alone.
//
// With -train and -test, a line of the training file is a session, "item item …", the
// sessions in the order of time, and a line of the test file is "item … target" (-format
// sessions). Or both are csv, "session,item[,value][,time]": then every item of a test
// session but the first is a test, of the items before it. Without -format a file that is
// named .csv or .tsv says csv, any other lists, or with -train sessions.
//
// # Evaluation
//
// A model sees the items before the target. With -protocol leave-one-out every item of the
// catalogue, which is the items of all files, is ranked, but those of the input. With
// sampled, it is the target and -negatives random others that the user does not have;
// -eval-users tests a random part of the users. With sessions every item is ranked, those of
// the input too: people go back.
//
// An item that the model does not score has score 0. Where items tie, the metric is its
// expectation over random order. A target that the model has never seen counts as a test.
// "users" counts sequences in training, "train" events in training, "test" tests.
//
// # Tuning
//
// With -tune N, the hyper-parameters that are not given as flags are searched on the
// training data alone: the last item of each training sequence, the last but one of the
// file, is held out, or of sessions the newest tenth, N models are trained on the rest, the
// one with the best -tune-metric at the first k on at most 10,000 tests is taken, and trained
// again on everything. The first trial is the defaults, some that follow cover the ranges
// evenly, the others follow a tree-structured Parzen estimator (Bergstra et al., NIPS 2011).
// -tune-time bounds the search. The test items play no part. The same seed gives the same result
// for any number of workers.
//
// # Blends
//
// With -model blend, the -sources are trained on the same part of the training data, tuned
// there with -tune, and blended by what is held out; then they are trained again on
// everything. It reports what each source adds to the others. -weights takes the weights as
// given. A blend is saved as one file, and one more for each source, -save F as F and
// F.label; -load F with the same labels reads them all.
//
// # Output
//
// Text, or with -json one JSON object per line: first {"event":"data",…}, with -tune an
// {"event":"trial",…} per trial and {"event":"tuned",…}, of a blend
// {"event":"source",…} and {"event":"blend",…}, and last the result. Progress goes
// to standard error. The exit code is 2 for a wrong flag or input file, 1 when the work
// fails.
//
// A further model is one more entry in the table of models.go.
package main
