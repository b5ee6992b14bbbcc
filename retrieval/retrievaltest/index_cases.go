package retrievaltest

// indexCase checks one rule of indexes.
type indexCase struct {
	name  string
	rule  string // quoted from the doc comments of retrieval
	check func(*indexProbe)
	needs needs
	races bool // several goroutines have a hand in it
}

var indexCases = []indexCase{
	{
		name:  "describes-itself",
		rule:  "Len returns the number of items; Dim the dimension of the vectors; Metric how vectors are compared.",
		check: describesItself,
	},
	{
		name:  "nearest",
		rule:  "Search appends the k best items to dst, best first, equal scores by the smaller item.",
		check: nearest,
	},
	{
		name:  "ties",
		rule:  "Search appends the k best items to dst, best first, equal scores by the smaller item. An item appears once.",
		check: ties,
	},
	{
		name:  "zero-vectors",
		rule:  "A zero vector scores 0 with everything.",
		check: zeroVectors,
	},
	{
		name:  "any-k",
		rule:  "It appends fewer when fewer pass the options, none when k <= 0 or the index is empty.",
		check: anyK,
	},
	{
		name:  "empty",
		rule:  "It appends fewer when fewer pass the options, none when k <= 0 or the index is empty.",
		check: emptyVectors,
	},
	{
		name:  "any-effort",
		rule:  "Effort trades time for recall. 0 means the default of the index; exact indexes ignore it. An index raises it to what k needs.",
		check: anyEffort,
	},
	{
		name:  "wrong-dimension",
		rule:  "It fails with ErrDimension when len(q) is not Dim; dst is then returned as it was.",
		check: wrongDimension,
	},
	{
		name:  "query-not-finite",
		rule:  "It fails with ErrNotFinite when q has a NaN or an infinity; dst is then returned as it was.",
		check: queryNotFinite,
	},
	{
		name:  "refuses-bad-vectors",
		rule:  "NaN/Inf rejected with the row number and item, duplicate items rejected with both rows.",
		check: refusesBadVectors,
	},
	{
		name:  "strided",
		rule:  "What lies between two rows is never read.",
		check: strided,
	},
	{
		name:  "appends",
		rule:  "Search appends the k best items to dst and returns it.",
		check: appends,
	},
	{
		name:  "score",
		rule:  "Score writes the score of each item to dst; NaN for an item that is not in the index. The bits of a score do not depend on whether it came from a search or from Score.",
		check: scoreOf,
	},
	{
		name:  "vector",
		rule:  "Vector appends the stored vector of an item to dst; ok is false when the item is not in the index. Under Cosine the stored vector is normalised.",
		check: vectorOf,
	},
	{
		name:  "filters",
		rule:  "Filter keeps the items that it matches; nil keeps all.",
		check: filters,
	},
	{
		name:  "lists",
		rule:  "Allow, unless nil, keeps only the items in it; empty but not nil finds nothing. Exclude drops the items in it.",
		check: lists,
	},
	{
		name:  "stats",
		rule:  "Stats, unless nil, is filled with what the search did.",
		check: stats,
	},
	{
		name:  "arguments-are-read-only",
		rule:  "It keeps nothing of its arguments.",
		check: argumentsAreReadOnly,
	},
	{
		name:  "concurrent-searches",
		rule:  "All methods are safe for concurrent use.",
		check: concurrentSearches,
		races: true,
	},
	{
		name:  "allocates-nothing",
		rule:  "With enough room in dst it does not allocate in steady state.",
		check: allocatesNothing, needs: needsNoAllocs,
	},
	{
		name:  "any-workers",
		rule:  "The same index built twice with the same seed is byte-identical for any number of workers.",
		check: anyWorkers,
		races: true,
	},
	{
		name:  "mutable",
		rule:  "MutableIndex is an Index whose items come and go while it is searched: Insert, Update, Delete.",
		check: mutable, needs: needsMutableSet,
	},
	{
		name:  "insert",
		rule:  "Insert adds an item. It fails with ErrDuplicate when the item is there already, ErrDimension or ErrNotFinite for a vector that cannot be stored. The vector is copied.",
		check: inserts, needs: needsMutable,
	},
	{
		name:  "update",
		rule:  "Update replaces the vector of an item. It fails with ErrNotFound when the item is not there, else as Insert does; then the old vector stays.",
		check: updates, needs: needsMutable,
	},
	{
		name:  "delete",
		rule:  "Delete removes an item. It fails with ErrNotFound when the item is not there.",
		check: deletes, needs: needsMutable,
	},
	{
		name:  "churn",
		rule:  "A search that starts after a call has returned sees its effect.",
		check: churn, needs: needsMutable,
	},
	{
		name:  "filters-follow-changes",
		rule:  "The first search of an index resolves a filter to the rows that match; later ones only look at what the index has changed since.",
		check: filtersFollowChanges, needs: needsMutable,
	},
	{
		name:  "concurrent-changes",
		rule:  "A search that runs at the same time sees each item either before or after, never a mixture of two vectors.",
		check: concurrentChanges, needs: needsMutable,
		races: true,
	},
	{
		name:  "reads-what-it-wrote",
		rule:  "An index that is written and read gives the same answers and writes the same bytes.",
		check: readsWhatItWrote, needs: needsWriter | needsRead,
	},
	{
		name:  "opens-what-it-wrote",
		rule:  "An index that is written and opened gives the same answers.",
		check: opensWhatItWrote, needs: needsWriter | needsOpen,
	},
	{
		name:  "changes-when-opened",
		rule:  "An opened index can be changed, and its file stays as it is.",
		check: changesWhenOpened, needs: needsWriter | needsOpen | needsMutable,
	},
	{
		name:  "truncated",
		rule:  "A truncated file is an error, at every byte.",
		check: truncated, needs: needsWriter | needsRead,
	},
	{
		name:  "flipped",
		rule:  "A file with a flipped bit is an error: of Read, and of Open or of Verify.",
		check: flipped, needs: needsWriter | needsRead,
	},
	{
		name:  "closed",
		rule:  "An index that has a method Close is of no use after it, wherever its vectors were: all methods that return an error fail with ErrClosed, Len is 0 and Vector finds nothing; a second Close does nothing.",
		check: closedIndex, needs: needsCloser,
	},
	{
		name:  "write-errors",
		rule:  "WriteTo returns the error of its writer.",
		check: writeErrors, needs: needsWriter,
	},
}
