package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/fetch"
	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/archive/s3"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/checkup"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

// A way is how the store lets whoever has the link read. It is found before anything is
// shared, and opened afterwards.
type way struct {
	open func(context.Context, *link.Invitation) error
}

func noWay(context.Context, *link.Invitation) error { return nil }

// wayIn finds a way into the store for others, and sets where the store is. What does
// not work is refused before anything is shared.
func (o *linkOptions) wayIn(ctx context.Context, a *access.Access, t *tape.Tape, i *link.Invitation) (*way, error) {
	location, bucket := strings.CutPrefix(o.Store, "s3://")
	var config s3.Config
	if bucket {
		var err error
		if config, err = s3.FromEnv(location); err != nil {
			return nil, err
		}
	}
	if err := o.locate(config, bucket, i); err != nil {
		return nil, err
	}
	if o.by == "" && o.queryFile == "" && o.term > 0 {
		if !bucket || o.storeURL != "" {
			return nil, ui.Misuse("--expires is for what ends: a session, presigned URLs, or the token of --query-file")
		}
		o.by = byPresigned
	}
	if o.by == "" && o.queryFile == "" {
		if err := tryReading(ctx, a, i); err == nil {
			o.by = byPublic
		} else if !bucket || o.storeURL != "" {
			return nil, ui.Hinted(fmt.Errorf("nobody gets the recording at %s: %w", ui.Clean(i.Store), err),
				"let the web server give these files to everybody, or give a token with --query-file; a folder as it is can be given as a copy, too")
		} else {
			o.by = byPresigned
		}
	}
	if o.meeting && o.by == byPresigned {
		return nil, ui.Hinted(ui.Misuse("--meeting is for what anybody may get: strangers get nothing of this store, and presigned URLs are of one recording"), "see what it takes to let them", "sealtape link "+i.Recording+" --by public")
	}
	switch {
	case o.queryFile != "":
		return o.byToken(ctx, a, i)
	case o.by == byPublic:
		return o.byPolicy(ctx, a, config, bucket, i)
	case !bucket:
		return nil, ui.Misuse("--by %s is for a bucket: --store s3://bucket/prefix", o.by)
	case o.by == bySession:
		return o.bySession(config), nil
	}
	return o.byTable(a, t, config)
}

// locate sets the URL of the store.
func (o *linkOptions) locate(config s3.Config, bucket bool, i *link.Invitation) (err error) {
	switch {
	case o.storeURL != "":
		i.Store = strings.TrimRight(o.storeURL, "/")
	case !bucket:
		return ui.Hinted(ui.Misuse("a folder has no address that others reach"),
			"let a web server give its files, and say where with --store-url; or copy the recording into a bucket; or give them a copy of the folder, which the player in one file plays",
			"sealtape copy ID --to s3://BUCKET/PREFIX")
	default:
		if i.Store, _, err = config.Address(); errors.Is(err, s3.ErrNoRegion) {
			return ui.Hinted(err, "set AWS_REGION, or give region=NAME with --store")
		} else if err != nil {
			return err
		}
	}
	if err := i.Check(); err != nil {
		return ui.Misuse("%s cannot be the store of a link: want https://HOST/PATH, as a browser writes it", ui.Clean(i.Store))
	}
	return nil
}

// tryReading reads the head as whoever has the invitation does, and compares it with what
// the store has.
func tryReading(ctx context.Context, a *access.Access, i *link.Invitation) error {
	s, err := fetch.Open(ctx, i)
	if err != nil {
		return err
	}
	defer s.Close()
	own, err := readHead(ctx, a.Store, i.Recording)
	if err != nil {
		return err
	}
	theirs, err := readHead(ctx, s, i.Recording)
	if err == nil && !bytes.Equal(own, theirs) {
		err = errors.New("another recording, or another state of it, is there")
	}
	return err
}

func readHead(ctx context.Context, s archive.Store, id string) ([]byte, error) {
	r, err := s.Get(ctx, id+"/head", 0, -1)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, 64<<10))
	return b, errors.Join(err, r.Close())
}

// byToken lets them read by a token of the store.
func (o *linkOptions) byToken(ctx context.Context, a *access.Access, i *link.Invitation) (*way, error) {
	query, err := readQuery(o.queryFile)
	if err != nil {
		return nil, fmt.Errorf("--query-file: %w", err)
	}
	i.Query = query
	if o.term > 0 {
		i.Expires = time.Now().Add(o.term).UTC().Truncate(time.Second)
	}
	if err := i.Check(); err != nil {
		return nil, ui.Hinted(fmt.Errorf("%s has no query of a URL", o.queryFile), "it is what stands behind the ? of a URL, such as sv=…&sig=…")
	}
	if err := tryReading(ctx, a, i); err != nil {
		return nil, ui.Hinted(fmt.Errorf("the token does not let one read from %s: %w", ui.Clean(i.Store), err), "make it for all objects of the recording, with the right to read; --store-url says where they are")
	}
	return &way{noWay}, nil
}

// byPolicy lets anybody read, if the bucket's policy does.
func (o *linkOptions) byPolicy(ctx context.Context, a *access.Access, config s3.Config, bucket bool, i *link.Invitation) (*way, error) {
	if err := tryReading(ctx, a, i); err != nil {
		err = fmt.Errorf("strangers do not get the recording yet: %w", err)
		if !bucket {
			return nil, ui.Hinted(err, "let the web server give these files to everybody")
		}
		policy, perr := config.LinkPolicy(i.Recording)
		if perr != nil {
			return nil, perr
		}
		endpoint := ""
		if config.Endpoint != "" {
			endpoint = " --endpoint-url " + ui.ShellWord(config.Endpoint)
		}
		return nil, ui.WithHints(err, ui.Hint{
			Why: "let anybody get its objects, and list nothing. This takes the place of the bucket's policy: if there is one, add the statement to it",
			Run: []string{"aws s3api put-bucket-policy" + endpoint + " --bucket " + ui.ShellWord(config.Bucket) + " --policy " + ui.ShellWord(policy)},
		}, ui.Hint{Why: "Amazon's buckets refuse this while BlockPublicPolicy is set; --by session and --by presigned need no policy"})
	}
	if listed, err := checkup.Listed(ctx, i.Store); err == nil && listed {
		a.Env.Warnf("strangers can list %s: they see which recordings there are, and when; take s3:ListBucket away from them", ui.Clean(i.Store))
	}
	return &way{noWay}, nil
}

// bySession lets them read by the credentials of a session.
func (o *linkOptions) bySession(config s3.Config) *way {
	if o.term == 0 {
		o.term = s3.MaxSession
	}
	return &way{func(ctx context.Context, i *link.Invitation) (err error) {
		i.Credentials, i.Expires, err = config.Session(ctx, i.Recording, o.role, o.term)
		if errors.Is(err, archive.ErrDenied) {
			return ui.Hinted(err, "the key has to be one of a user, not of a session, that may ask for AssumeRole; Amazon's needs --role ARN, of a role that trusts the key; --by presigned asks nobody")
		}
		return err
	}}
}

// byTable lets them read by presigned URLs.
func (o *linkOptions) byTable(a *access.Access, t *tape.Tape, config s3.Config) (*way, error) {
	if !t.Recording().Head().State.Final() {
		return nil, ui.Hinted(errors.New("the recording is not closed: what is added later has no presigned URL"), "wait for its end, or use --by session or --by public")
	}
	if o.term == 0 {
		o.term = s3.MaxPresigned
	}
	return &way{func(ctx context.Context, i *link.Invitation) error {
		names := []string{"head"}
		for n := int64(0); n < i.Size; n += 1024 {
			names = append(names, fmt.Sprintf("log/%04d", n/1024))
		}
		for _, e := range t.Recording().Entries() {
			names = append(names, e.Name)
		}
		if i.Share != "" {
			names = append(names, "shares/"+i.Share+".age")
		}
		table, expires, err := config.Presign(ctx, i.Recording, names, o.term)
		if errors.Is(err, s3.ErrTooLong) {
			return ui.Hinted(err, "give --expires a shorter time, or sign with a key that does not end")
		} else if err != nil {
			return err
		}
		text := table.String()
		if len(text) > link.MaxTable {
			return ui.Hinted(fmt.Errorf("%d objects are too many for a table of presigned URLs", len(names)), "use --by session or --by public")
		}
		share, key, err := archive.PutSealed(ctx, a.Store, i.Recording, text)
		if err != nil {
			return fmt.Errorf("the table of presigned URLs: %w", err)
		}
		own, _, err := config.Presign(ctx, i.Recording, []string{"shares/" + share + ".age"}, o.term)
		if err != nil {
			return err
		}
		i.Presigned = &link.Presigned{Key: strings.TrimPrefix(key.String(), link.KeyPrefix), Share: share, Query: own.Query + own.Objects[0].End}
		i.Expires = expires
		return nil
	}}, nil
}
