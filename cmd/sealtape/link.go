package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/archive/s3"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback/tape"
)

// Ways in which a store lets whoever has a link read: values of --by.
const (
	byPublic    = "public"
	bySession   = "session"
	byPresigned = "presigned"
	byQuery     = "query" // of --query-file
)

// pageVar is the environment's player's page.
const pageVar = "SEALTAPE_PAGE"

func linkCommand() *cli.Command {
	var o linkOptions
	return &cli.Command{
		Name:      "link",
		Usage:     "make a link by which somebody else watches a recording",
		ArgsUsage: "ID",
		Description: `Prints a link, and says what to do with it. It names the recording, its store, its recorder
and its state now, all behind the #, which browsers send to no server. It holds no key that
opens the recording: whoever has it gets sealed objects, and nothing else.

With --to, the recording is first shared to the keys on NAME's card, as by "sealtape share": it
opens for them, whoever else has that name. Who is a reader of it already needs no --to. With
--page, the link opens in a browser, with the player at URL; SEALTAPE_PAGE sets it for all
links. "sealtape play 'LINK'" opens each link.

--by says how the store lets them read:
  public     anybody may get the objects whose names they know, and list nothing. You set
             that once, by the policy that this command prints. It cannot be taken back
             from who has fetched them.
  session    the link holds credentials that read and list this recording alone, for 15
             minutes to 12 hours. Your key must be allowed to ask for them (AssumeRole;
             Amazon's needs --role, too). Only by such a link the page shows attached
             transcripts, as only a list names these.
  presigned  the link names a sealed table of presigned URLs, which hold for 7 days at most.
             Your key must be allowed to add objects. The recording must have ended.
Without --by it is public where that works, and presigned elsewhere.

--meeting has the link name all parts of a meeting that is in several recordings: the page lists
them, and goes on with the next. It is for what anybody may get, and for --query-file; a page
that is older than this refuses such a link.

--query-file has a token that your store appends to each URL: of Backblaze B2, Azure (SAS) or
CloudFront. A folder needs --store-url: where a web server has it.`,
		UsageText: `  sealtape link last --to Bob --page https://meet.example.org/tapes/
  sealtape link F2JE --at 12:34 --by session --expires 2h
  sealtape link F2JE --to Bob --store ./meetings --store-url https://example.org/meetings`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Destination: &o.to, Usage: "whose card you pinned as `NAME`"},
			&cli.StringFlag{Name: "page", Destination: &o.page, EnvVars: []string{pageVar}, Usage: "the `URL` of a player's page"},
			&cli.StringFlag{Name: "at", Destination: &o.at, Usage: "begin at this `TIME` of the recording: 12:34, 1:02:03 or 90s"},
			&cli.StringFlag{Name: "by", Destination: &o.by, Usage: "`HOW` the store lets them read: public, session or presigned"},
			&cli.StringFlag{Name: "expires", Destination: &o.expires, Usage: "let them read for this `TIME`: 2h or 7d (default: as long as it can be, 12h or 7d)"},
			&cli.BoolFlag{Name: "meeting", Destination: &o.meeting, Usage: "let the link open all recordings of the meeting, if there are several"},
			&cli.StringFlag{Name: "role", Destination: &o.role, Usage: "the `ARN` of the role that a session is of, with Amazon S3"},
			&cli.StringFlag{Name: "query-file", Destination: &o.queryFile, Usage: "`FILE` with a token that is appended to each URL"},
			&cli.StringFlag{Name: "store-url", Destination: &o.storeURL, Usage: "`URL` at which others reach what is in the store, such as a CDN's"},
			o.StoreFlag(),
		},
		Action: flags.Action(&o, access.WithStore(runLink), flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

type linkOptions struct {
	flags.StoreOption
	id, to, page, at, by, expires, role, queryFile, storeURL string

	meeting bool

	from time.Duration // what at says
	term time.Duration // what expires says; 0: the default
}

func (o *linkOptions) Check() (err error) {
	if err := access.NoLink(o.id); err != nil {
		return err
	}
	if o.at != "" {
		if o.from, err = parsePosition(o.at); err != nil {
			return ui.Misuse("--at: %v", err)
		}
	}
	if o.by != "" && !slices.Contains(choices()["by"], o.by) {
		return ui.Misuse("--by is %q, want public, session or presigned", o.by)
	}
	if o.term, err = parseTerm(o.expires); err != nil {
		return ui.Misuse("--expires: %v", err)
	}
	most, mostText := s3.MaxPresigned, "7d"
	if o.by == bySession {
		most, mostText = s3.MaxSession, "12h"
	}
	switch {
	case o.by == byPublic && o.term > 0:
		return ui.Misuse("--expires is not for --by public: who may get an object may get it until you take the policy away")
	case o.by == bySession && o.term > 0 && o.term < s3.MinSession:
		return ui.Misuse("--expires is %s, and a session lasts 15 minutes or more", o.expires)
	case (o.by != "" || o.storeURL == "" && o.queryFile == "") && o.term > most:
		return ui.Hinted(ui.Misuse("--expires is %s, and no server lets --by %s last longer than %s", o.expires, cmp.Or(o.by, byPresigned), mostText),
			"make another link then, or use --by public")
	}
	if o.role != "" && o.by != bySession {
		return ui.Misuse("--role is for --by session")
	}
	if o.meeting && (o.by == bySession || o.by == byPresigned) {
		return ui.Hinted(ui.Misuse("--meeting is not for --by %s: what it lets one read is one recording", o.by), "make a link to each part, or use --by public")
	}
	if o.queryFile != "" && o.by != "" {
		return ui.Misuse("--query-file excludes --by: the token in it says who may read")
	}
	if o.storeURL != "" && (o.by == bySession || o.by == byPresigned) {
		return ui.Misuse("--store-url is not for --by %s: what is signed is signed for the bucket's own address", o.by)
	}
	if o.page != "" {
		return checkPage(o.page)
	}
	return nil
}

// checkPage refuses an address that no page with keys is to have.
func checkPage(page string) error {
	u, err := url.Parse(page)
	local := err == nil && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	switch {
	case err != nil || u.User != nil || strings.Contains(page, "#") || u.Scheme != "file" && u.Host == "":
		return ui.Misuse("--page is %q, want the address of a page, such as https://meet.example.org/tapes/", page)
	case u.Scheme == "https", u.Scheme == "file", u.Scheme == "http" && local:
		return nil
	}
	return ui.Misuse("--page %s is not https: anybody on the way could give them another page, which takes their keys", page)
}

// parseTerm reads how long something holds, 0 for "".
func parseTerm(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	days, ok := strings.CutSuffix(s, "d")
	if n, err := strconv.ParseUint(days, 10, 16); ok && err == nil && n > 0 {
		return time.Duration(n) * 24 * time.Hour, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= time.Minute {
		return d.Truncate(time.Second), nil
	}
	return 0, fmt.Errorf("%q is no time of a minute or more, such as 2h or 7d", s)
}

func runLink(ctx context.Context, a *access.Access, o *linkOptions) error {
	var t *tape.Tape
	var err error
	if o.to != "" {
		if err := access.Unrevoked(a.Home); err != nil {
			return err
		}
		if _, err := shareTo(a, o.to); err != nil {
			return err
		}
		if t, err = a.OpenReadable(ctx, o.id, nil); err != nil {
			return err
		}
	} else {
		id, err := a.Resolve(ctx, o.id)
		if err != nil {
			return err
		}
		if t, err = a.OpenTape(ctx, id, a.KeysAtHand(), nil); err != nil {
			return err
		}
	}
	return o.print(ctx, a, t)
}

// print makes the link to a recording, and prints it.
func (o *linkOptions) print(ctx context.Context, a *access.Access, t *tape.Tape) error {
	if err := a.Distrust(t.ID(), t.Recording().Signers()); err != nil {
		return err // nobody is to vouch for it after all
	}
	i, err := inviteTo(a, t)
	if err != nil {
		return err
	}
	i.From, i.Share = o.from, a.Share
	w, err := o.wayIn(ctx, a, t, i)
	if err != nil {
		return err
	}
	if o.to != "" {
		if i.Share, err = shareFor(ctx, a, t, o.to); err != nil {
			return err
		}
	}
	if err := o.meetingFor(ctx, a, t, i); err != nil {
		return err
	}
	// Last, for the table of presigned URLs names the share, too.
	if err := w.open(ctx, i); err != nil {
		return err
	}
	if err := i.Check(); err != nil {
		return fmt.Errorf("%w: %s, at %s", err, t.ID(), ui.Clean(i.Store))
	}
	a.Env.Printf("%s#%s\n", o.page, i)
	tellLink(a, o, t, i)
	return nil
}

// inviteTo returns the invitation to a recording as it is, without a way to read it.
func inviteTo(a *access.Access, t *tape.Tape) (*link.Invitation, error) {
	h := t.Recording().Head()
	i := &link.Invitation{Recording: h.ID, Size: h.Size, Root: h.Root}
	for _, s := range t.Recording().Signers() {
		if a.Distrust(t.ID(), []archive.Signer{s}) != nil {
			continue
		}
		key := ""
		if who, known := a.Holder(s.Name); known {
			key = who.Key
		} else if s.Approval != nil {
			key = s.Approval.Key
		}
		if key != "" {
			var err error
			i.Recorder, err = keys.PublicKey(key)
			return i, err
		}
	}
	return nil, errors.New("no recorder whose card counts has signed it")
}

// shareFor shares a recording to somebody, unless one has done that before, and returns the
// random part of the share's name. It does so for its readers, too: a recording names them, and
// does not say under which keys, so that the reader of a name may be somebody else, or have
// another key by now. A share too many does no harm.
func shareFor(ctx context.Context, a *access.Access, t *tape.Tape, to string) (string, error) {
	cards, err := shareTo(a, to)
	if err != nil {
		return "", err
	}
	id, err := access.LoadIdentity(ctx, a.Env, a.Home)
	if err != nil {
		return "", err
	}
	share := ""
	for _, card := range cards {
		g, before, err := grant(ctx, t.Recording(), id, card, nil)
		if err != nil {
			return "", ui.Hinted(fmt.Errorf("sharing it to %s: %w", ui.Clean(card.Name), err),
				"who reads it already needs no share: without --to, the link opens for them")
		}
		if share == "" {
			share = shareName(g.Name)
		} else {
			a.Env.Notef("The link names the share of %s's first device only.", ui.Clean(card.Name))
		}
		if !before {
			a.Env.Notef("Shared %s with %s (%s).", ui.EpochsText(g.Epochs), ui.Clean(card.Label()), card.Fingerprint())
		}
	}
	return share, nil
}

// readQuery reads a token from a file: a query, with or without the ?.
func readQuery(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close() // only read from
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return "", err
	}
	query := strings.TrimPrefix(strings.TrimSpace(string(b)), "?")
	if query == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return query, nil
}
