package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/checkup"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/systemd"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
)

// Command returns sealtape doctor.
func Command() *cli.Command {
	var o options
	return &cli.Command{
		Name:  "doctor",
		Usage: "check keys, spool, store and this machine, before it matters",
		Description: `Puts a few objects into the store, reads, lists and removes them. So it finds out whether you can
read and write, and whether the store keeps its promises about names that are taken and
bytes that are damaged. Give --store several times, as for record, to try several stores.

It also shows which recordings your keys open. Of many recordings, it looks at those that
this machine recorded last, and some others; --all looks at all of them.

--web ORIGIN also checks whether a player's page of that origin, such as
https://meet.example.org, may read the store in a browser, and says the rule to set; null is
a page in a file. Where others reach the store by another address, such as a CDN's, or where
a web server gives a folder, --store-url has it.

--matrix ROOM checks the account of "sealtape matrix login", its device and one-time keys, what the
recorder lacks in the room, and the token service of the call that goes on there; or those that
--matrix-service names, as for record.

--policy prints a policy for the recorder's key, for the bucket of --store.

` + access.StoreHelp + `

You decide what to do about warnings. Exit code 1: something will not work.`,
		UsageText: `  sealtape doctor --store ./meetings
  sealtape doctor --policy --store s3://meetings/2026
  sealtape doctor --web https://meet.example.org --store s3://meetings/2026
  sealtape doctor --matrix '#weekly:example.org'
  sealtape doctor --unit > /etc/systemd/system/sealtape@.service`,
		Flags: []cli.Flag{
			flags.StoresFlag(),
			&cli.BoolFlag{Name: "all", Destination: &o.all, Usage: "look at all recordings"},
			&cli.StringFlag{Name: "web", Destination: &o.web, Usage: "check whether pages of this `ORIGIN` may read the store, too"},
			&cli.StringFlag{Name: "store-url", Destination: &o.storeURL, Usage: "`URL` at which others reach what is in the store, for --web"},
			&cli.StringFlag{Name: "matrix", Destination: &o.matrix, Usage: "check the recorder's Matrix account, too: @name:server, or with what it needs in a `ROOM`, '#weekly:example.org'"},
			access.ServiceFlag(),
			&cli.BoolFlag{Name: "policy", Destination: &o.policy, Usage: "print a policy for the recorder's key in the bucket instead, which lets it add and take nothing back"},
			&cli.BoolFlag{Name: "unit", Destination: &o.unit, Usage: "print a systemd unit for a recorder instead, with comments"},
			o.JSONFlag(),
		},
		Action: flags.Action(&o, run),
	}
}

type options struct {
	flags.StoresOption
	flags.JSONOption
	all, policy, unit bool
	web, storeURL     string
	matrix            string
	services          []string // token services that a recorder may ask; none for those that members name

	origin string // what web says
}

// Rest takes what is a list.
func (o *options) Rest(c *cli.Context) {
	o.StoresOption.Rest(c)
	o.services = c.StringSlice(access.ServiceName)
}

func (o *options) Check() (err error) {
	if o.web != "" {
		if o.origin, err = originOf(o.web); err != nil {
			return err
		}
	}
	if err := checkMatrixFlag(o.matrix); err != nil {
		return err
	}
	if len(o.services) > 0 && (o.matrix == "" || keys.IsMatrixUser(o.matrix)) {
		return ui.Misuse("--%s is for a room: --matrix '#weekly:example.org'", access.ServiceName)
	}
	if err := access.CheckServices(o.services); err != nil {
		return err
	}
	if o.storeURL != "" && (o.web == "" || len(o.Stores) != 1) {
		return ui.Misuse("--store-url is for --web, and for one store")
	}
	if o.unit && o.policy {
		return ui.Misuse("--unit and --policy exclude one another: each prints something of its own")
	}
	if o.policy && (len(o.Stores) != 1 || !strings.HasPrefix(o.Stores[0], "s3://")) {
		return ui.Misuse("--policy is for one bucket: --store s3://bucket/prefix")
	}
	return nil
}

// A Diagnosis is all that doctor found. JSON.md of the command says what its fields mean.
type Diagnosis struct {
	OK bool `json:"ok"` // nothing failed
	checkup.Report
	Recordings []opening `json:"recordings"`
	LeftOut    int       `json:"recordings_left_out"`
}

func run(ctx context.Context, e *ui.Env, o *options) error {
	if o.unit {
		e.Printf("%s", systemd.Unit)
		return nil
	}
	if o.policy {
		return access.ShowPolicy(e, o.Stores[0])
	}
	if err := namedOnce(o.Stores); err != nil {
		return err
	}
	d, err := diagnose(ctx, e, o)
	if err != nil {
		return err
	}
	if o.JSON {
		err = e.JSON(d)
	} else {
		err = showDiagnosis(e, d)
	}
	if err == nil && !d.OK {
		err = fmt.Errorf("%s failed", ui.Count(d.Failures(), "check"))
	}
	return err
}

// namedOnce refuses a store that is named twice, however it is spelt.
func namedOnce(stores []string) error {
	var ids []string
	for _, arg := range stores {
		id, err := access.StoreID(arg)
		if err != nil { // it does not open, which the checks tell
			id = arg
		}
		if slices.Contains(ids, id) {
			return ui.Misuse("--store: %s is named twice", ui.Clean(arg))
		}
		ids = append(ids, id)
	}
	return nil
}

// newDiagnosis returns one that gives the hints of the other commands.
func newDiagnosis() *Diagnosis {
	d := &Diagnosis{Recordings: []opening{}}
	d.Findings = []checkup.Finding{}
	d.Remedy = func(err error) (why string, run []string) {
		if _, hints := ui.Explain(err); len(hints) > 0 {
			return hints[0].Why, hints[0].Run
		}
		return "", nil
	}
	return d
}

// diagnose makes all checks.
func diagnose(ctx context.Context, e *ui.Env, o *options) (*Diagnosis, error) {
	d := newDiagnosis()
	h, identities := checkKeys(ctx, e, d)
	if h != nil {
		checkup.Spool(ctx, &d.Report, h.SpoolDir())
	}
	var first archive.Store // whose recordings are looked at
	var firstName string
	for _, arg := range o.Stores {
		checkup.Clock(ctx, &d.Report, arg)
		store := checkStore(ctx, e, d, arg)
		if first == nil {
			first, firstName = store, arg
		}
		if store != nil && o.origin != "" {
			checkWeb(ctx, d, o, arg, store)
		}
	}
	if len(o.Stores) == 0 {
		d.Unknown("store", "store", "not looked at: no --store")
	}
	if first != nil && h != nil && len(o.Stores) > 1 {
		d.Pass("recordings", "store", "%s, the first that opens", firstName)
	}
	if first != nil && h != nil {
		if err := checkRecordings(ctx, e, d, h, first, identities, o.all); err != nil {
			d.Fail("recordings", "list", err, "see what the checks of the store say, and try again")
		}
	}
	if o.matrix != "" && h != nil {
		checkMatrix(ctx, d, h, identities, o.matrix, o.services)
	}
	checkup.Machine(&d.Report)
	if url := os.Getenv("LIVEKIT_URL"); url != "" {
		checkup.LiveKit(ctx, &d.Report, url)
	}
	d.OK = d.Failures() == 0
	return d, ctx.Err()
}

// checkStore tries the store. It returns nil if it does not open.
func checkStore(ctx context.Context, e *ui.Env, d *Diagnosis, arg string) archive.Store {
	const section = "store"
	s, err := access.OpenStore(ctx, e, arg, false)
	if err != nil {
		d.Fail(section, "opens", err, "")
		return nil
	}
	d.Pass(section, "opens", "%s", arg)
	checkup.Store(ctx, &d.Report, s, bot.ProbeTime)
	if !strings.Contains(arg, "://") {
		checkup.Space(&d.Report, section, arg)
	}
	return s
}

func showDiagnosis(e *ui.Env, d *Diagnosis) error {
	section := ""
	for _, f := range d.Findings {
		if f.Section != section {
			if section != "" {
				e.Printf("\n")
			}
			section = f.Section
			e.Printf("%s\n", section)
		}
		e.Printf("  %-7s  %-13s  %s\n", f.Result, ui.Clean(f.Name), ui.Clean(f.Text))
		if f.Hint != "" {
			e.Printf("           %s\n", strings.Join(ui.Hint{Why: f.Hint, Run: f.Run}.Lines(), "\n           "))
		}
	}
	rows := [][]string{{"ID", "STATE", "START", "EPOCHS", "OPENS FOR YOU"}}
	for _, r := range d.Recordings {
		start := "-"
		if r.Start != nil {
			start = r.Start.Local().Format("2006-01-02 15:04")
		}
		opens := r.Opens
		if opens == opensSome {
			opens = fmt.Sprintf("%d of %d", r.Opened, r.Epochs)
		}
		state := r.State
		if r.Distrusted {
			state += ", key revoked"
		}
		rows = append(rows, []string{r.ID, state, start, strconv.Itoa(r.Epochs), opens})
	}
	if err := e.Section(rows); err != nil {
		return err
	}
	if d.LeftOut > 0 {
		e.Notef("\n%s not looked at; with --all they are.", show.WasWere(d.LeftOut))
	}
	return nil
}
