// Command quickstart builds a whole recommender, from data to a judged log, in a few
// seconds. Without flags it needs nothing but the Go toolchain: users are the source files
// of the standard library, items the symbols that they use.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -report report.html
//	go run ./examples/quickstart -data events.csv
//	go run ./examples/quickstart -ranker linear
//
// A CSV file has lines user,item,time[,value], ids being any text and times Unix seconds,
// Unix milliseconds or RFC 3339. A header is optional; with one, the columns stand in any
// order, and what it names beyond the four are attributes of the item. One that is called
// creator, author, channel, category or the like, else the first of them,
// takes the place that the package has for the symbols of Go: without it caps and MMR are
// off, and features come from the log alone. The value (a rating, seconds watched) is a
// feature of the item. Of several events of a user with an item the first counts, and so
// does the first attribute of an item. Such data show
// that the program runs on them, its settings are those that suit the Go sources.
//
// # Protocol
//
// Users are split by a hash, into about 60, 20 and 20 %; files of one folder stay
// together, so that variants of a file for several systems never sit on both sides.
// Part A trains the sources and counts the item features. Part B chooses the settings of
// the sources, teaches the blend, and trains the ranker, on what the sources propose for users
// that they have not counted. Part C is the test: the last max(1, round(0.2 n)) of a user's
// n items are the targets, those before are the history. Nothing is chosen by part C.
//
// Recall and NDCG at 20 rank the whole catalogue of parts A and B, less the history.
// Coverage and the Gini index are over that catalogue, items never shown included.
//
// # Variants
//
// Each source alone: popularity; itemknn, what the same users take; transitions, what comes
// after; als, vectors of items in an index; same-package, the program's own. Then merged, all of
// them by reciprocal rank fusion; blend, with quotas and weights learned on part B; pipeline, with
// features, a ranker, an objective and at most eight items of a package;
// pipeline-diverse, with at most two and maximal marginal relevance; pipeline-explored, the
// pipeline with places drawn by Plackett–Luce, judged from its own log. The log is replayed, which
// must give the same slates to the bit, and is weighed to tell what the pipeline without
// exploration would have earned at place 1, which is then compared with the truth.
//
// # The ranker
//
// Boosted trees with two heads, click and long-dwell. They learn to order each list (LambdaMART) on four
// fifths of the users of part B; the others calibrate what they predict (Platt), so that the objective
// adds probabilities. With -ranker linear, a logistic regression has the same columns, users and heads, and stops by those others.
// Users are the unit of this split, not time: all requests come at the same moment, after the last event, and in
// each of them the targets come after the history.
//
// The columns are what is known of the item, what the log of part A says of it, how its package stands in the
// history, and what each source says of the candidate: within its own list (columns.go), and when it is asked about all
// candidates, also in view of the last event alone (asked.go).
//
// What is stored of items is a view of package features, and encoders make rates and logarithms of its counts (store.go): the definitions that a
// stream of events would keep up to date, as examples/features does.
//
// A team's own parts look like those of this program: a retriever (sources.go) and four
// feature sources (columns.go, asked.go, store.go).
package main
