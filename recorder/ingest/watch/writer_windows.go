package watch

import (
	"errors"

	"golang.org/x/sys/windows"
)

// hasWriter reports whether a program has a file open for writing: then Windows refuses
// to open it for one who shares it with readers only.
func hasWriter(path string) bool {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return false // who reads it next says why
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ, windows.FILE_SHARE_READ, nil, windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err == nil {
		_ = windows.CloseHandle(h) // which was only for looking
	}
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION)
}
