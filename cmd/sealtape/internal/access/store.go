package access

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/s3"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// StoreHelp is what the help of record and doctor says of a bucket.
const StoreHelp = `Settings of a bucket follow its name as NAME=VALUE, with & between them, in quotes for the
shell: 's3://meetings/2026?retain=90d&lock=compliance'
  endpoint, region    where the server is, if the environment does not say
  profile             of the AWS shared files, if the environment names another
  style               host or path: where the address has the bucket's name
  class               a storage class, such as STANDARD_IA
  kms                 a key for the server's own encryption, or default
  retain, lock        how long nobody can remove an object, such as 90d; lock is governance,
                      or compliance if that is not enough
Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the AWS shared files, a web
identity, or the role of the container or the instance.`

// OpenStore opens the store named by arg, a folder or s3://bucket/prefix. A
// folder that is missing is made only if create is set, so that a mistyped name
// is no empty archive.
func OpenStore(ctx context.Context, e *ui.Env, arg string, create bool) (archive.Store, error) {
	if arg == "" {
		return nil, ui.UsageError{Err: ui.Hinted(errors.New("which archive? --store is missing"),
			"a folder or s3://bucket/prefix; SEALTAPE_STORE sets it for all commands"), Command: "sealtape"}
	}
	if strings.HasPrefix(arg, "s3:") && !strings.HasPrefix(arg, "s3://") {
		return nil, ui.UsageError{Err: fmt.Errorf("--store: %s is no bucket, want s3://bucket/prefix", ui.Clean(arg)), Command: "sealtape"}
	}
	if scheme, rest, ok := strings.Cut(arg, "://"); ok {
		if scheme != "s3" {
			return nil, ui.UsageError{Err: fmt.Errorf("--store: %s:// is no kind of store, want s3://bucket/prefix or a folder", ui.Clean(scheme)), Command: "sealtape"}
		}
		return openS3(ctx, e, rest)
	}
	if archive.ValidID(filepath.Base(filepath.Clean(arg))) == nil {
		return nil, ui.UsageError{Err: ui.Hinted(fmt.Errorf("--store: %s is the folder of a recording", ui.Clean(arg)), "the store is the folder above it"), Command: "sealtape"}
	}
	open := dir.Open
	if create {
		open = dir.Create
	}
	s, err := open(arg)
	if err != nil {
		err = fmt.Errorf("opening the store: %w", err)
		if _, h := ui.Known(err); h.Why == "" {
			err = ui.Hinted(err, "a store is a folder that you can write to, or s3://bucket/prefix")
		}
		return nil, err
	}
	return s, nil
}

// StoreID names the store of arg, which was opened, in the notes of the spool:
// without secrets, and the same from whatever folder and however it is spelt. How
// long it retains is a part of it: what is to be kept from everyone is not put
// where it is not.
func StoreID(arg string) (string, error) {
	if location, ok := strings.CutPrefix(arg, "s3://"); ok {
		c, err := s3.Locate(location)
		if err != nil {
			return "", fmt.Errorf("opening the store: %w", err)
		}
		c.Endpoint, c.Prefix = strings.ToLower(strings.TrimRight(c.Endpoint, "/")), strings.Trim(c.Prefix, "/")
		return c.String(), nil
	}
	path, err := filepath.Abs(arg)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("opening the store: %w", err)
	}
	return path, nil
}
