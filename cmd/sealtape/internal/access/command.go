package access

import (
	"context"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// WithHome opens the folder of keys, spool and memory for a command.
func WithHome[O flags.Options](run func(context.Context, *ui.Env, *keys.Home, O) error) func(context.Context, *ui.Env, O) error {
	return func(ctx context.Context, e *ui.Env, o O) error {
		h, err := OpenHomeOf(e)
		if err != nil {
			return err
		}
		return run(ctx, e, h, o)
	}
}

// WithStore opens the home and the store for a command that works on recordings.
// While the store fails, the command waits for it.
func WithStore[O interface {
	flags.Options
	flags.HasStore
}](run func(context.Context, *Access, O) error) func(context.Context, *ui.Env, O) error {
	return func(ctx context.Context, e *ui.Env, o O) error {
		a, err := OpenStoreOf(ctx, e, o)
		if err != nil {
			return err
		}
		return run(ctx, a, o)
	}
}

// OpenStoreOf does what withStore does, for a command that looks at something else
// first.
func OpenStoreOf(ctx context.Context, e *ui.Env, o flags.HasStore) (*Access, error) {
	if r, ok := o.(flags.HasRecording); ok {
		return OpenFor(ctx, e, r.RecordingName(), o.StoreName(), archive.RetryConfig{OnRetry: e.Retrying})
	}
	return Open(ctx, e, o.StoreName(), archive.RetryConfig{OnRetry: e.Retrying})
}

// OpenFor opens the store for a recording: that of a link, or the one of this name.
func OpenFor(ctx context.Context, e *ui.Env, recording, store string, retry archive.RetryConfig) (*Access, error) {
	i, ok, err := ReadLink(e, recording)
	if err != nil {
		return nil, err
	}
	if ok {
		return OpenLink(ctx, e, i, retry)
	}
	return Open(ctx, e, store, retry)
}
