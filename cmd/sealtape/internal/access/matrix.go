package access

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/matrix/sealed"
	"github.com/sealtape/sealtape/recorder/matrix/token"
)

// matrixFolder is the folder of the home with the state of Matrix accounts.
const matrixFolder = "matrix"

// MatrixHome returns where the Matrix accounts of h are, sealed to its identity.
func MatrixHome(h *keys.Home, id *keys.Identity) matrix.Home {
	return matrix.Home{Dir: filepath.Join(h.Dir(), matrixFolder), Identities: id.AgeIdentities(), Recipients: id.Recipients()}
}

// MatrixToLookAt returns where the Matrix accounts of h are, for who only reads them.
func MatrixToLookAt(h *keys.Home, with []age.Identity) matrix.Home {
	return matrix.Home{Dir: filepath.Join(h.Dir(), matrixFolder), Identities: with}
}

// MatrixUser returns the account that is meant by user: the only one here for "". It asks
// for no passphrase.
func MatrixUser(h *keys.Home, user string) (string, error) {
	users, err := MatrixToLookAt(h, nil).Users()
	switch {
	case err != nil:
		return "", err
	case len(users) == 0:
		return "", ExplainMatrix(sealed.ErrNoAccount, user)
	case user == "" && len(users) == 1:
		return users[0], nil
	case user == "":
		return "", ui.Hinted(fmt.Errorf("there are %d Matrix accounts here: which one?", len(users)), "name it: "+words.Few(users))
	case !slices.Contains(users, user):
		err := fmt.Errorf("%w: %s", sealed.ErrNoAccount, words.Quote(user))
		return "", ui.Hinted(err, "there is "+words.Few(users)+"; another is logged in so", "sealtape matrix login "+ui.ShellWord(user))
	}
	return user, nil
}

// OpenMatrix opens the account that is meant by user, "" for the only one, and takes it
// for this process.
func OpenMatrix(h *keys.Home, id *keys.Identity, user string, log *slog.Logger) (*matrix.Account, error) {
	user, err := MatrixUser(h, user)
	if err != nil {
		return nil, err
	}
	a, err := MatrixHome(h, id).Open(user, log)
	return a, ExplainMatrix(err, user)
}

// OwnMatrix returns how the account that is meant by user is named on a card.
func OwnMatrix(h *keys.Home, id *keys.Identity, user string) (keys.MatrixAccount, error) {
	user, err := MatrixUser(h, user)
	if err != nil {
		return keys.MatrixAccount{}, err
	}
	l, err := MatrixHome(h, id).Look(user)
	if err != nil {
		return keys.MatrixAccount{}, ExplainMatrix(err, user)
	}
	return keys.ParseMatrixAccount(l.User + " ed25519:" + l.Master)
}

// ExplainMatrix adds to an error of package matrix what to do about it. user is the
// account, @name:server, "" if it is not known.
func ExplainMatrix(err error, user string) error {
	if err == nil {
		return nil
	}
	login, logout := "sealtape matrix login @NAME:SERVER", "sealtape matrix logout"
	if user != "" {
		login, logout = "sealtape matrix login "+ui.ShellWord(user), "sealtape matrix logout "+ui.ShellWord(user)
	}
	who := "the recorder's account"
	if user != "" {
		who = user
	}
	if power, ok := errors.AsType[*rtc.PowerError](err); ok {
		return ui.Hinted(err, powerHint(power, who))
	}
	for _, a := range []struct {
		err error
		why string
		run []string
	}{
		{sealed.ErrNoAccount, "log in, once", []string{login}},
		{matrix.ErrLoggedIn, "it can be used as it is; to begin anew, end it first", []string{"sealtape matrix show", logout}},
		{sealed.ErrHeld, "a recording uses it, and only one process may: wait for its end, or log in another account for this one", []string{"sealtape matrix login @NAME:SERVER"}},
		{sealed.ErrOtherHome, "put back the identity that was here when it was logged in; if that is lost, remove " + matrixFolder + "/ in SEALTAPE_HOME and log in again", []string{login}},
		{matrix.ErrState, "put back a copy of " + matrixFolder + "/ in SEALTAPE_HOME only if nothing was recorded since; else remove it and log in again", []string{login}},
		{matrix.ErrRefused, "check the user and the password; for an account that logs in by a page of its homeserver", []string{login + " --sso"}},
		{matrix.ErrLoggedOut, "somebody ended this device, or changed the password: take away what is left of it, and log in again", []string{logout, login + " --recovery-key-file FILE"}},
		{matrix.ErrWrongRecoveryKey, "it is the one that was shown when the account's cross-signing was set up, here or in Element: 12 groups of four letters, the first begins with Es", nil},
		{matrix.ErrRecoveryKey, "give it, as it was shown when the account's cross-signing was set up, here or in Element", []string{login + " --recovery-key-file FILE"}},
		{matrix.ErrNoRoom, "copy its address from the room's settings, such as '#weekly:example.org', or its ID, '!…'", nil},
		{matrix.ErrNotInvited, "have somebody in the room invite " + who + ", and start again", nil},
		{matrix.ErrNotEncrypted, "turn on encryption in the room's settings, for good; or, knowing that the servers hear all, record it with --no-e2ee", nil},
		{matrix.ErrUnsignedDevice, "others do not trust it, and send it no keys: log in anew with the account's recovery key", []string{logout, login + " --recovery-key-file FILE"}},
		{matrix.ErrNoTransport, "their clients use another kind of call: start the call in Element Call, or where your homeserver's LiveKit service is set up", nil},
		{matrix.ErrNobody, "somebody must start the call; a recorder never does", nil},
		{matrix.ErrRemoved, "ask in the room why, and have " + who + " invited again", nil},
	} {
		if errors.Is(err, a.err) {
			return ui.Hinted(err, a.why, a.run...)
		}
	}
	return err
}

// ExplainHomeserver does the same for an error that may be of the network.
func ExplainHomeserver(err error, user string) error {
	if _, ok := errors.AsType[net.Error](err); ok {
		return ui.Hinted(err, "check that the homeserver runs and can be reached from here; login --homeserver URL names it")
	}
	return ExplainMatrix(err, user)
}

// powerHint says how a user gets the power that they lack in a room.
func powerHint(p *rtc.PowerError, who string) string {
	if strings.HasSuffix(p.Event, "call.member") {
		return fmt.Sprintf("in Element: the room's settings, Voice & Video, let everybody join calls; or give %s a power level of %d, in Roles & Permissions", who, p.Needs)
	}
	return fmt.Sprintf("in Element: the room's settings, Roles & Permissions: give %s a power level of %d", who, p.Needs)
}

// ServiceName is the flag of ServiceFlag.
const ServiceName = "matrix-service"

// ServiceFlag names the token services that a recorder may ask.
func ServiceFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: ServiceName, Usage: "ask no token service but this `URL`, which may be anywhere; repeat for more",
		DefaultText: "those that members name, but none in a local network unless the homeserver is in one"}
}

// CheckServices refuses what is no URL of a token service.
func CheckServices(services []string) error {
	for _, service := range services {
		if u, err := url.Parse(service); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return ui.Misuse("--%s is %s, want the URL of a token service, as https://HOST/PATH", ServiceName, words.Quote(service))
		}
	}
	return nil
}

// TokenHint says what to do about a token service.
func TokenHint(e *token.Error) string {
	if errors.Is(e, token.ErrNotListed) {
		return "a member of the call named it, and --" + ServiceName + " does not: who sends by it is a hole; a service of a stranger's is rightly left out"
	}
	if errors.Is(e, token.ErrNotAsked) {
		return "a member of the call named it; if it is yours, say so: record --matrix-service " + ui.ShellWord(e.Service)
	}
	if e.Status == 0 {
		return "check that this machine reaches the call's token service, which the members' homeserver names: " + ui.Clean(e.Service)
	}
	return "the call's token service takes no users of your homeserver, or does not reach it: ask who runs " + ui.Clean(e.Service)
}
