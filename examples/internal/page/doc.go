// Package page writes the report of an example program: one HTML file that holds
// its style and its charts, asks for nothing over the network and runs no script.
// It reads in light and dark mode, on paper, on a narrow screen, and with a screen
// reader: each chart has a text alternative and its numbers in a table.
//
// A [Page] is a list of sections, a section is a heading and elements:
//
//	p := page.Page{Title: "Retrieval on the Go API", Subtitle: "12,480 users"}
//	p.Add("Quality",
//		page.Text("Full ranking, seen items excluded."),
//		page.Table{
//			Columns: []page.Column{{Name: "Model"}, {Name: "Recall@20", Best: page.Highest}},
//			Rows:    [][]any{{"popularity", 0.113}, {"itemknn", 0.287}},
//		},
//		page.LineChart{
//			Title:  "Recall against factors",
//			X:      page.Axis{Title: "Factors", Log: true},
//			Y:      page.Axis{Title: "Recall@20"},
//			Series: []page.Series{{Name: "ALS", X: factors, Y: recall}},
//		},
//	)
//	err := p.Save("report.html")
//
// The elements are plain structs whose zero fields mean the documented default:
//
//	Text, Heading, Note, Code       prose, a heading within a section, an aside, preformatted text
//	Facts, KeyFigures, Table        names with values, large figures, rows and columns
//	Slate                           a ranked list with scores, sources and reasons
//	Columns                         elements side by side
//	LineChart, Scatter, Lorenz      points, curves, concentration
//	BarChart, StackedBars           values and shares per category
//	Histogram                       a distribution
//
// # Conventions
//
// All text is data: whatever a string holds, it is escaped and shown. Characters that
// no page can show (control characters, broken UTF-8, overrides of the writing
// direction) become U+FFFD. The same values give the same bytes.
//
// Values that are not finite never fail a page. A line has a gap there, a table a
// dash, and a line under the chart says how many there were. Values above 1e300 in size
// count as not finite in charts. Slices of one series that differ in length are read up
// to the shorter one, which is noted too. A chart without a value says "No data".
//
// Elements are read while the page is written and not kept; a page may be written
// by several goroutines at once as long as nobody changes it.
package page
