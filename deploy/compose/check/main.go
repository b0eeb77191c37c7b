// Command check loads a compose file as `docker compose` does, complains as it does, and prints the
// result as JSON: anchors merged, variables filled in, all profiles on. It must not know what this
// project wants of a compose file; that stands in xtask.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "compose:", err)
		os.Exit(1)
	}
}

func run(paths []string) error {
	options, err := cli.NewProjectOptions(
		paths,
		cli.WithOsEnv,
		cli.WithResolvedPaths(true),
		cli.WithConsistency(true),
		cli.WithProfiles([]string{"*"}),
	)
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	text, err := project.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(text))
	return err
}
