// Package desktop tells the person at this machine something, where there is a desktop.
package desktop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/sealtape/sealtape/internal/child"
)

// ErrNone: there is no desktop here, or no program that reaches it.
var ErrNone = errors.New("there is no desktop to tell")

// tellTime is how long the program may take that shows a notification.
const tellTime = 10 * time.Second

// session is what a program needs to find the desktop of whoever is logged in.
var session = []string{"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY", "HOME"}

// script shows its second argument under the first, whatever is in them.
const script = `on run argv
display notification (item 2 of argv) with title (item 1 of argv)
end run`

// Notify shows a notification, by notify-send or osascript. Desktops keep them in
// histories, and other users see a program's arguments: title and text must be nothing
// that is secret. The error is ErrNone where there is no desktop.
func Notify(ctx context.Context, title, text string) error {
	name, args := "notify-send", []string{"--app-name=Sealtape", "--", title, text}
	if runtime.GOOS == "darwin" {
		name, args = "osascript", []string{"-e", script, title, text}
	} else if os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
		return ErrNone
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ErrNone
	}
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	return child.Command(ctx, session, path, args...).Run()
}
