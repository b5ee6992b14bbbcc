package metrics

// AveragePrecision returns the mean, over the relevant items, of the precision
// at the rank of each; an item below k or not retrieved counts as 0:
//
//	AP@k = 1/relevant · Σ_{i=1..k} [g_i > 0] · P@i
//
// Its mean over users is MAP. gains[i] is the gain of the item at rank i+1,
// relevant if > 0 (NaN is not); relevant counts the user's relevant items,
// retrieved or not. With k <= 0 the whole list counts. The result is 0 when
// relevant <= 0: see [Recall].
//
// The divisor stays relevant at every cutoff, as in the map_cut of trec_eval;
// some authors take min(relevant, k).
//
// Source: Buckley and Voorhees, "Retrieval System Evaluation", in TREC:
// Experiment and Evaluation in Information Retrieval, 2005.
func AveragePrecision[F Float](gains []F, relevant, k int) float64 {
	if relevant <= 0 {
		return 0
	}
	var sum float64
	found := 0
	for i, g := range gains[:cut(len(gains), k)] {
		if g > 0 {
			found++
			sum += float64(found) / float64(i+1)
		}
	}
	return sum / float64(relevant)
}

// ReciprocalRank returns 1/r for the rank r of the first relevant item, 0 if
// none of the first k is relevant. Its mean over users is MRR.
//
// gains[i] is the gain of the item at rank i+1, relevant if > 0 (NaN is not).
// With k <= 0 the whole list counts.
//
// Source: Voorhees, "The TREC-8 Question Answering Track Report", 1999.
func ReciprocalRank[F Float](gains []F, k int) float64 {
	for i, g := range gains[:cut(len(gains), k)] {
		if g > 0 {
			return 1 / float64(i+1)
		}
	}
	return 0
}

// InterpolatedPrecision returns the highest precision at any rank where the
// recall is at least the given one, a number in [0, 1]; 0 if no rank reaches
// it. It is the recall-precision graph, and at 0, 0.1, ..., 1 the 11 points of
// trec_eval.
//
// gains and relevant are as for [AveragePrecision]. As in trec_eval 9, a recall
// of r means int(r·relevant + 0.9) relevant items, and the result is 0 for an
// empty list or relevant <= 0.
//
// Source: Manning, Raghavan and Schütze, Introduction to Information
// Retrieval, 2008, section 8.4.
func InterpolatedPrecision[F Float](gains []F, relevant int, recall float64) float64 {
	found := hits(gains, 0)
	need := int(float64(recall*float64(relevant)) + 0.9)
	if found == 0 || need > found {
		return 0
	}
	var best float64
	for i := len(gains) - 1; i >= 0; i-- {
		if !(gains[i] > 0) {
			continue // precision is highest at a relevant item
		}
		best = max(best, float64(found)/float64(i+1))
		if found == need {
			break
		}
		found--
	}
	return best
}

// BPref returns the share of judged pairs that a ranking has in the right
// order, which needs no judgement of every item:
//
//	bpref = 1/relevant · Σ_r (1 - min(n_r, relevant) / min(nonrelevant, relevant))
//
// over the relevant items r retrieved, where n_r counts the judged items
// without relevance above r. gains[i] is the gain of the item at rank i+1: > 0
// is relevant, 0 is judged and not relevant, < 0 or NaN is not judged and
// skipped. relevant and nonrelevant count the judged items of each kind,
// retrieved or not. The result is 0 when relevant <= 0.
//
// Source: Buckley and Voorhees, "Retrieval Evaluation with Incomplete
// Information", SIGIR 2004, in the corrected form that trec_eval computes.
func BPref[F Float](gains []F, relevant, nonrelevant int) float64 {
	if relevant <= 0 {
		return 0
	}
	var sum float64
	above := 0
	for _, g := range gains {
		switch {
		case g == 0:
			above++
		case g > 0 && above == 0:
			sum++
		case g > 0:
			sum += 1 - float64(min(above, relevant))/float64(min(nonrelevant, relevant))
		}
	}
	return sum / float64(relevant)
}
