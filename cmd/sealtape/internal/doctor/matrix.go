package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/checkup"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/token"
)

// fewKeys is how many one-time keys should be at the homeserver, at least.
const fewKeys = 10

// checkMatrixFlag refuses what is neither an account nor a room.
func checkMatrixFlag(what string) error {
	if what == "" || keys.IsMatrixUser(what) || len(what) > 1 && strings.ContainsAny(what[:1], "#!") {
		return nil
	}
	return ui.Hinted(ui.Misuse("--matrix is %q, want an account, @name:server, or a room", what), "quote a room for the shell, '#weekly:example.org'")
}

// checkMatrix looks at the recorder's Matrix account, and at a room if what names one. services are
// the token services that a recorder may ask, none for those that members name.
func checkMatrix(ctx context.Context, d *Diagnosis, h *keys.Home, identities []age.Identity, what string, services []string) {
	const section = "matrix"
	user := ""
	if strings.HasPrefix(what, "@") {
		user = what
	}
	user, err := access.MatrixUser(h, user)
	if err != nil {
		d.Fail(section, "account", err, "")
		return
	}
	if len(identities) == 0 {
		d.Unknown(section, "account", "%s: not looked at, for your identity does not open", ui.Clean(user))
		return
	}
	home := access.MatrixToLookAt(h, identities)
	l, err := home.Look(user)
	if err != nil {
		d.Fail(section, "account", access.ExplainMatrix(err, user), "")
		return
	}
	used := ""
	if l.Held {
		used = ", in use by another process"
	}
	d.Pass(section, "account", "%s at %s, device %s%s", ui.Clean(user), ui.Clean(l.Homeserver), ui.Clean(l.Device), used)
	health, err := home.Health(ctx, user)
	if err != nil {
		d.Fail(section, "device", access.ExplainHomeserver(err, user), "")
		return
	}
	checkDevice(d, health, user)
	checkup.ServerClock(ctx, &d.Report, "the homeserver, "+ui.Clean(l.Homeserver), l.Homeserver)
	if !strings.HasPrefix(what, "@") {
		checkMatrixRoom(ctx, d, home, health, user, what, services)
	}
}

// checkDevice says how the device stands at its homeserver.
func checkDevice(d *Diagnosis, health matrix.Health, user string) {
	const section = "matrix"
	if health.Signed {
		d.Pass(section, "device", "logged in, and cross-signed")
	} else {
		d.Fail(section, "device", access.ExplainMatrix(matrix.ErrUnsignedDevice, user), "")
	}
	if health.OneTimeKeys >= fewKeys {
		d.Pass(section, "one-time keys", "%d are left", health.OneTimeKeys)
	} else {
		d.Warn(section, "one-time keys", "a recorder that runs makes more; until then, who used none yet may be unable to send it a key", "%d are left", health.OneTimeKeys)
	}
	if health.Delayed {
		d.Pass(section, "delayed events", "the homeserver takes a recorder that died from the call")
	} else {
		d.Warn(section, "delayed events", "it works without: a recorder that died stays in the call's list for up to ten minutes", "the homeserver has none (MSC4140)")
	}
}

// checkMatrixRoom says what a recorder lacks in a room, and tries the token services of its
// call.
func checkMatrixRoom(ctx context.Context, d *Diagnosis, home matrix.Home, health matrix.Health, user, room string, listed []string) {
	const section = "matrix"
	i := slices.IndexFunc(health.Rooms, func(r matrix.RoomHealth) bool { return r.ID == room || r.Alias == room })
	if i < 0 {
		d.Fail(section, "room", access.ExplainMatrix(fmt.Errorf("%s: %w", ui.Clean(room), matrix.ErrNotInvited), user), "")
		return
	}
	r := health.Rooms[i]
	if r.Invited {
		d.Pass(section, "room", "%s: invited; what it lacks shows once a recorder has joined it", ui.Clean(room))
		return
	}
	for _, lack := range r.Lacks {
		d.Fail(section, "room", access.ExplainMatrix(lack, user), "")
	}
	if len(r.Lacks) == 0 {
		d.Pass(section, "room", "%s lacks nothing", ui.Clean(room))
	}
	if len(r.Services)+len(listed) == 0 {
		d.Unknown(section, "token service", "nobody is in the call now, to say which it uses: --matrix-service URL names it")
	}
	asked := r.Services
	if len(listed) > 0 {
		asked = nil
		for _, service := range r.Services {
			if !slices.ContainsFunc(listed, func(l string) bool { return strings.TrimRight(l, "/") == strings.TrimRight(service, "/") }) {
				d.Warn(section, "token service", "a stranger's is rightly left out: know whose it is before you allow it", "%s is named by a member, and not allowed by --%s: who sends by it is a hole in the recording", ui.Clean(service), access.ServiceName)
			}
		}
	}
	for _, service := range listed {
		if service = strings.TrimRight(service, "/"); !slices.Contains(asked, service) {
			asked = append(asked, service)
		}
	}
	for _, service := range asked {
		checkService(ctx, d, home, user, r.ID, service, listed)
	}
}

// checkService asks a token service for a token, if a recorder would.
func checkService(ctx context.Context, d *Diagnosis, home matrix.Home, user, room, service string, listed []string) {
	const section = "matrix"
	trial, err := home.TryService(ctx, user, room, service, listed)
	var failed *token.Error
	switch {
	case errors.As(err, &failed):
		d.Fail(section, "token service", err, access.TokenHint(failed))
	case err != nil:
		d.Fail(section, "token service", access.ExplainHomeserver(err, user), "")
	case !trial.Data:
		d.Warn(section, "token service", "it works: the recorder tells the room by Matrix alone", "%s gives tokens that forbid data", ui.Clean(service))
	default:
		d.Pass(section, "token service", "%s leads to %s", ui.Clean(service), ui.Clean(trial.LiveKit))
	}
}
