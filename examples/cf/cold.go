package main

import (
	"slices"

	"github.com/recsyskit/recsys"
)

// coldness says of which users and items training knows little.
type coldness struct {
	users, items int    // at most so many interactions
	item         []bool // by place in the catalogue
}

// markCold marks the users and items with at most n interactions in training, also those
// without any. Below 0, n is for users and items each the number that a tenth of them does
// not exceed: of the users with a test, and of the catalogue.
func (d *data) markCold(n int) {
	users := map[recsys.UserID]int{}
	for i := range d.tests {
		user := d.tests[i].user
		if row, ok := d.train.UserRow(user); ok {
			items, _ := d.train.ByUser().Row(row)
			users[user] = len(items)
		} else {
			users[user] = 0
		}
	}
	items := make([]int, len(d.catalogue))
	byItem := d.train.ByItem()
	for row, at := range d.places {
		who, _ := byItem.Row(row)
		items[at] = len(who)
	}
	d.cold = coldness{users: n, items: n, item: make([]bool, len(items))}
	if n < 0 {
		var counts []int
		for _, c := range users {
			counts = append(counts, c)
		}
		d.cold.users, d.cold.items = tenth(counts), tenth(slices.Clone(items))
	}
	for at, c := range items {
		d.cold.item[at] = c <= d.cold.items
	}
	for i := range d.tests {
		d.tests[i].cold = users[d.tests[i].user] <= d.cold.users
	}
}

// tenth returns the number that a tenth of the counts does not exceed, and sorts them.
func tenth(counts []int) int {
	if len(counts) == 0 {
		return 0
	}
	slices.Sort(counts)
	return counts[(len(counts)-1)/10]
}
