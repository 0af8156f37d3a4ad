// Pushes to the user "demo" with Go's standard library: `go run push.go`; prints {"id":"…"}.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	api, push := os.Getenv("HOLDFAST_API"), `{"to":{"user":"demo"},"data":{"text":"hello from Go"}}`
	if api == "" {
		api = "http://127.0.0.1:8090"
	}
	request, err := http.NewRequest("POST", api+"/v1/push", strings.NewReader(push))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("HOLDFAST_KEY"))
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fmt.Println(string(body))
	if err != nil || answer.StatusCode != http.StatusAccepted {
		os.Exit(1)
	}
}
