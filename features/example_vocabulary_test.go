package features_test

import (
	"bytes"
	"fmt"

	"github.com/recsyskit/recsys/features"
)

func ExampleVocabulary() {
	var items features.Vocabulary
	for _, sku := range []string{"B00-red", "A17", "B00-red"} {
		id, err := items.Add(sku)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(sku, "is", id)
	}

	// Kept beside the models that were trained with its ids.
	var file bytes.Buffer
	if _, err := items.WriteTo(&file); err != nil {
		fmt.Println(err)
		return
	}
	var loaded features.Vocabulary
	if _, err := loaded.ReadFrom(&file); err != nil {
		fmt.Println(err)
		return
	}
	id, known := loaded.IDBytes([]byte("A17"))
	fmt.Println(id, known)
	name, known := loaded.Name(0)
	fmt.Println(name, known)
	_, known = loaded.ID("C3")
	fmt.Println(known)
	// Output:
	// B00-red is 0
	// A17 is 1
	// B00-red is 0
	// 1 true
	// B00-red true
	// false
}
