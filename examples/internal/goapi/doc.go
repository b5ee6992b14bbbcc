// Package goapi turns the source tree of the installed Go toolchain into a
// recommendation data set. It is real, sequential, rich in features, and needs
// no download: whoever can build a Go program has it.
//
//   - A user is a source file of the standard library or the commands, tests
//     included, that uses at least five distinct items.
//   - An item is an exported func, type, const or var of an importable package
//     of the standard library, named "net/http.Get". Methods are out, since a
//     parser cannot tell whose method a call reaches.
//   - An event is the first use of an item in a file, in source order. How often
//     the file uses the item is the strength of the event: once is a click,
//     [LongDwell] times or more is a long stay.
//   - The creator of an item is its package. Its age is the release in which it
//     first stood in the toolchain's api folder.
//
// [Load] builds a [Dataset]:
//
//	data, err := goapi.Load(ctx, goapi.Config{})
//	if err != nil {
//		return err
//	}
//	fmt.Println(data.Stats)
//	train, valid, test := data.Split(1)
//
// # What counts
//
// Every .go file under GOROOT/src is read, except in folders named testdata or
// vendor and in files and folders whose name begins with "." or "_", which the
// go command ignores too. Code in testdata is input for tools rather than
// somebody's program; vendored code is of other projects.
//
// A generated file (the "Code generated … DO NOT EDIT." header) is never a user,
// since no one chose what it uses. What it declares still counts: unicode.Letter
// and syscall.EINVAL come from generated tables.
//
// A symbol is declared by the files that are not tests, whatever platform or
// build tag they are for, so items are the union over all variants. Files that
// require the tag "ignore" or belong to package main (programs that generate
// code) declare nothing, but are users. When variants differ, the kind is that of
// most files (of the first by path, on a tie) and the comment that of the first
// file by path that has one. Packages below cmd or an internal folder hold no
// items, nor does builtin, which cannot be imported.
//
// A use is a selector X.Sel whose X names an import of the file and is not
// shadowed by a declaration of the file, as far as go/parser resolves names, which
// for such an X is all the way. A name that stands alone is a use when a dot
// import brings it in and no declaration of the file hides it; keys of composite
// literals do not count then, since they may be fields. Uses within the declaring
// package need no selector and are not seen. Symbols that only test files declare
// (the usual export_test.go) are no items.
//
// # Time
//
// A file has no clock. The events of every user start at [Epoch] and follow each
// other by one second, so that weights by recency become weights by position.
//
// # What it does not do
//
// Nothing here depends on how often an item is used by others: popularity is a
// statistic of training data, and the caller's split decides what that is. Only
// the choice of the catalogue looks at all users, see [Config].Unused.
package goapi
