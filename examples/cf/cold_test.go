package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Users 1 and 3 have two items or fewer, user 9 none. Item 40 has no interaction, 30 has one.
// The ranking by popularity is 20, 10, 30, 40; with a cutoff of 2 user 1 finds 30 (and 40 is
// second), user 2 has but 40 left, user 9 finds 20 and 10.
func TestColdRowsByHand(t *testing.T) {
	train := file(t, "1 10 20\n2 10 20 30\n3 20\n")
	test := file(t, "1 30 40\n2 40\n9 10 30\n")
	got := last(t, "-train", train, "-test", test, "-model", "popular", "-k", "1,2", "-cold", "1")
	for key, want := range map[string]any{
		"recall@2": (1 + 1 + 0.5) / 3,
		// Of the users 9 alone has at most one item.
		"cold_users_at_most": 1., "cold_users": 1., "recall@2_cold_users": 0.5, "recall@2_warm_users": 1.,
		"recall@1_cold_users": 0., "recall@1_warm_users": (0.5 + 1) / 2,
		// Of the items 30 and 40: user 1 finds both, 2 finds 40, 9 does not find 30.
		"cold_items_at_most": 1., "cold_items": 3., "recall@2_cold_items": 2. / 3, "recall@2_warm_items": 1.,
		"recall@1_cold_items": (0.5 + 1 + 0) / 3, "recall@1_warm_items": 0.,
	} {
		require.InDelta(t, want, got[key], 1e-12, key)
	}
	got = last(t, "-train", train, "-test", test, "-model", "popular", "-cold", "0")
	require.Equal(t, 1., got["cold_users"], "user 9 has none")
	got = last(t, "-train", train, "-test", file(t, "1 30\n"), "-model", "popular", "-cold", "0")
	require.Nil(t, got["recall@20_cold_users"], "there are none")
	require.Equal(t, 0., got["cold_users"])
	require.Equal(t, 1., got["recall@20_warm_users"])
}

func TestByDefaultATenthIsCold(t *testing.T) {
	train, test := clusters(t, 200)
	got := last(t, "-train", train, "-test", test, "-model", "popular")
	require.Equal(t, 9., got["cold_users_at_most"], "all users have 8 or 9 items")
	require.Equal(t, 0, tenth(nil))
	require.Equal(t, 1, tenth([]int{5, 4, 3, 2, 1}))
	require.Equal(t, 2, tenth([]int{20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}))
}

func TestColdRowsOfSampledTests(t *testing.T) {
	train := file(t, "1 10\n2 10 20\n3 10 20 30\n")
	got := last(t, "-train", train, "-test", file(t, "1 20 30\n4 30 10 20\n"), "-protocol", "sampled", "-model", "popular", "-k", "1", "-cold", "1")
	require.Equal(t, 2., got["cold_users"])
	require.Equal(t, 0.5, got["recall@1_cold_users"])
	require.Equal(t, 1., got["recall@1_warm_items"], "item 20")
	require.Equal(t, 0., got["recall@1_cold_items"], "item 30")
}
