// Command cf trains a collaborative-filtering model on one file of interactions and measures it
// on another, the way research papers do: recall, NDCG and hit rate at k, over a full ranking
// of the catalogue or over sampled negatives.
//
//	cf -train train.txt.gz -test test.txt.gz -model itemknn -k 20,50
//	cf -train train.txt.gz -test neg100.txt.gz -protocol sampled -model itemknn -k 5,10 -neighbors 594 -shrinkage 999
//	cf -train train.txt.gz -test test.txt.gz -model itemknn -tune 30 -save knn.bin
//	cf -train log.csv -test later.csv -ids string -model popular
//	cf -train train.txt.gz -test test.txt.gz -model blend -sources rp3beta,als:factors=128
//
// # Files
//
// Ids are unsigned numbers, or with -ids string whatever stands there: -save then writes a second
// file, named .ids, that -load takes, so that a model fits other files too. Files may be gzip. With -format lists a line
// is "user item item …", with pairs "user item", with csv "user,item[,value][,time]", a header
// optional (names such as user_id, item_id, rating and timestamp say which column is which),
// the separator a comma, semicolon, tab or space. Values are weights, those of repeated pairs
// add up. Without -format a training file that is named .csv or .tsv says csv, any other lists.
//
// With -protocol sampled a line of the test file is "user positive neg1 … negN", whatever the
// format of the training file.
//
// # Evaluation
//
// With -protocol full every item of the catalogue, which is the items of both files, is ranked,
// but those that the user has in training. With -protocol sampled the positive is ranked among
// its negatives, of which those that the user has in training are removed first; several lines
// of a user are averaged.
//
// An item that the model does not score has score 0. Where items tie, the metric is its
// expectation over random order. Recall is hits over the user's test items, NDCG's ideal is
// min(test items, k) hits, the hit rate counts users with a hit. The means are over all users
// with a test item, also those that training does not know. "train" and "test" count distinct
// pairs of user and item.
//
// Beside the recall of all stands that of cold users, who have at most -cold interactions in
// training, of cold items, which are all that then count as relevant, and of the warm rest. By
// default these are the tenth of the users and of the items with the fewest.
//
// # Tuning
//
// With -tune N, the hyper-parameters that are not given as flags are searched on the training
// file alone: a fifth of each user's items (with -protocol sampled one item, against 100 random
// negatives), the newest where there are times, is held out, N models are trained on the rest,
// the one with the best -tune-metric at the first k is taken, and trained again on everything.
// The first trial is the defaults, a third of the others cover the ranges evenly, the rest come
// from a tree-structured Parzen estimator (Bergstra et al., NIPS 2011). A trial that fails, as
// with a step that is too long, counts as the worst. -tune-time ends the search early; the
// trial that is under way does not count. The test file plays no part. Without -tune-time the
// same seed gives the same result for any number of workers, but for -hogwild.
//
// # Blends
//
// With -model blend the -sources are trained on the training file without what tuning would
// hold out, quotas and weights are learned on that, and the sources trained again on
// everything; see package retrieval/ensemble. A source is name[:parameter=value…], or
// label=name… to have a model twice. With -tune each source is tuned first. An event, or the
// row of a table, tells what each source finds alone, what it adds to the others and what it
// costs. -weights takes given weights and learns nothing. -save writes a file for the blend,
// and one for each source beside it.
//
// # Output
//
// Text, or with -json one JSON object per line: first {"event":"data",…}, with -tune an
// {"event":"trial",…} per trial and {"event":"tuned",…}, of a blend {"event":"source",…} per
// source and {"event":"blend",…}, and last the result. Progress goes to standard error. The
// exit code is 2 for a wrong flag or input file, 1 when the work fails.
//
// # From here to a program
//
// Settings stand for fields of each package's Config, and their defaults are its zero value, but
// that an event's weight counts in a history (History.Values); rp3beta is package walk with a Beta.
// So copy the settings of a run that are no defaults; -help and the event "tuned" list them.
//
// A further model is one more entry in the table of models.go.
package main
