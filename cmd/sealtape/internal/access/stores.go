package access

import (
	"context"
	"fmt"
	"slices"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/bot"
)

// OpenStores opens the stores that are named, and returns what the notes of the
// spool call them together: the same in whatever order they are named.
func OpenStores(ctx context.Context, e *ui.Env, names []string) (stores []bot.Store, id string, err error) {
	if len(names) == 0 {
		names = []string{""} // openStore says that it is missing
	}
	for _, name := range names {
		s, err := OpenStore(ctx, e, name, true)
		if err != nil {
			return nil, "", err
		}
		stores = append(stores, bot.Store{Store: s, Name: name})
	}
	id, err = StoresID(names)
	return stores, id, err
}

// RecoverCommandFor is what finishes a recording that is for these stores, as they were
// given: with all of them, for with fewer it is left alone. Without any it says STORE.
func RecoverCommandFor(stores []string) string {
	if len(stores) == 0 {
		stores = []string{"STORE"}
	}
	command := "sealtape recover"
	for _, name := range stores {
		command += " --store " + ui.ShellWord(name)
	}
	return command
}

// StoresID is storeID of several stores together, each of which is named once.
func StoresID(names []string) (string, error) {
	var ids []string
	for _, name := range names {
		id, err := StoreID(name)
		if err != nil {
			return "", err
		}
		if slices.Contains(ids, id) {
			return "", ui.UsageError{Err: fmt.Errorf("--store: %s is named twice", ui.Clean(name)), Command: "sealtape"}
		}
		ids = append(ids, id)
	}
	return bot.StoreID(ids), nil
}

// RecordingsIn lists the IDs of the recordings in a store, or in the spool.
func RecordingsIn(ctx context.Context, s archive.Store) (ids []string, err error) {
	for id, err := range archive.IDs(ctx, s) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
