package main

import (
	"context"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// withHome opens the folder of keys, spool and memory for a command.
func withHome[O flags.Options](run func(context.Context, *ui.Env, *keys.Home, O) error) func(context.Context, *ui.Env, O) error {
	return func(ctx context.Context, e *ui.Env, o O) error {
		h, err := openHome(e)
		if err != nil {
			return err
		}
		return run(ctx, e, h, o)
	}
}

// withStore opens the home and the store for a command that works on recordings.
// While the store fails, the command waits for it.
func withStore[O interface {
	flags.Options
	flags.HasStore
}](run func(context.Context, *access, O) error) func(context.Context, *ui.Env, O) error {
	return func(ctx context.Context, e *ui.Env, o O) error {
		a, err := openStoreOf(ctx, e, o)
		if err != nil {
			return err
		}
		return run(ctx, a, o)
	}
}

// openStoreOf does what withStore does, for a command that looks at something else
// first.
func openStoreOf(ctx context.Context, e *ui.Env, o flags.HasStore) (*access, error) {
	return openAccess(ctx, e, o.StoreName(), archive.RetryConfig{OnRetry: e.Retrying})
}
