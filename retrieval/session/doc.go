// Package session foretells the next item of a session or of a user's history from those of
// others, without gradients: it trains in seconds, takes up what happened a second ago, and is
// hard to beat.
//
//	model, err := session.TrainKNN(ctx, interactions, session.Combined())
//	…
//	p, err := recsys.NewPipeline(recsys.Retrieve("sessions", model, recsys.Quota(300))).Build()
//
// The users of the interactions are sequences of events in the order of time: sessions of
// unknown visitors, from [retrieval.ReadSessions], or what each user did in all.
//
// [TrainTransitions] counts what follows on what: Markov chains, association rules and
// sequential rules, over one event or many. The model is an [itemsim.Model], the fastest there
// is at serving. [TrainKNN] looks for the sessions most like the one at hand and proposes
// what these have: S-KNN, V-SKNN and STAN, and what lies between them. It reads a session as
// a whole, and follows a drift in time, since it looks at the newest sessions.
//
// Which one: transitions where histories are long and items come once, such as products that a
// user buys and reviews; neighbours where sessions are short and items come again. Package
// ensemble blends both, with weights from validation data.
//
//	method             type           a request takes                          source
//	association rules  itemsim.Model  pairs of the last item                   Agrawal et al. 1993
//	Markov chain       itemsim.Model  items that followed the last ones        –
//	sequential rules   itemsim.Model  items that followed the last             Kamehkhosh et al. 2017
//	S-KNN              KNN            Sample per item, Neighbors' items        Jannach and Ludewig 2017
//	V-SKNN             KNN            the same                                 Ludewig and Jannach 2018
//	STAN               KNN            the same                                 Garg et al. 2019
//	both combined      KNN            the same                                 –
//
// Sources in full: Ludewig and Jannach, Evaluation of session-based recommendation
// algorithms, User Modeling and User-Adapted Interaction 2018; Garg, Gupta, Malhotra, Vig and
// Shroff, Sequence and time aware neighborhood for session-based recommendations, SIGIR 2019.
package session
