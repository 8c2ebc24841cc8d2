/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program from outside: exit statuses and words of its command line. Nothing here starts a lab. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 6
#define MAX64 "18446744073709551615"

/* Files that rows name with a leading '@', in the test's own folder. */
static const struct file {
	const char *name, *text;
} files[] = {
	{"typo.yaml", "name: typo\nlab:\n  netwroks: {cluster: 10.0.0.0/24}\nsteps: []\n"},
	{"tab.yaml", "name: tab\nlab:\n\tworkers: {count: 3}\n"},
	{"twice.yaml", "name: twice\nname: again\nsteps: []\n"},
	{"type.yaml", "name: type\nlab:\n  workers: {count: three}\nsteps: []\n"},
	{"address.yaml", "name: address\nlab:\n  workers: {first: 10.0.0.951}\nsteps: []\n"},
	{"missing.yaml", "name: missing\nlab:\n  manifests: [nowhere.yaml]\nsteps: []\n"},
	{"service.yaml",
	 "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  type: LoadBalancer\n  ports: [{port: 80}]\n"},
	{"port.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  type: LoadBalancer\n  ports: "
		      "[{port: 80000}]\n"},
	{"empty.yaml", ""},
};

static const struct row {
	const char *name;
	const char *args[ARGS_MAX];
	int status;
	const char *out, *err; /* words that must be there; NULL: nothing at all is said */
} rows[] = {
	{"nothing asked", {NULL}, 2, NULL, "Examples:"},
	{"--help", {"--help"}, 0, "Exit status: 0 all held; 1 an expectation failed; 2 wrong input", NULL},
	{"-h", {"-h"}, 0, "ecmplab run scenarios/article", NULL},
	{"help", {"help"}, 0, "  doctor   what this kernel", NULL},
	{"--version", {"--version"}, 0, "ecmplab ", NULL},
	{"near a command", {"rum"}, 2, NULL, "there is no command \"rum\"; did you mean \"run\"?"},
	{"near another", {"chekc"}, 2, NULL, "did you mean \"check\"?"},
	{"near none", {"frobnicate"}, 2, NULL, "there is no command \"frobnicate\"; see ecmplab --help"},
	{"no word", {""}, 2, NULL, "there is no command \"\""},

	{"impact --help", {"impact", "--help"}, 0, "Usage: ecmplab impact [OPTION...] SCENARIO", NULL},
	{"impact --help has examples",
	 {"impact", "--help"},
	 0,
	 "ecmplab impact scenarios/article-l4 --remove worker2 --flows 5000",
	 NULL},
	{"impact of whom", {"impact", "scenarios/article"}, 2, NULL, "which worker leaves? such as --remove worker2"},
	{"impact of nobody",
	 {"impact", "scenarios/article", "-r", "client1"},
	 2,
	 NULL,
	 "--remove takes a worker such as worker2, not \"client1\""},
	{"impact of one too many",
	 {"impact", "scenarios/article", "-r", "worker4"},
	 2,
	 NULL,
	 "the scenario has worker1 to worker3, and no worker4"},
	{"impact in what way",
	 {"impact", "scenarios/article", "-r2", "--ways=fire"},
	 2,
	 NULL,
	 "--ways: \"fire\" is none of withdraw,graceful_shutdown,drain,crash,link_down,power_loss"},
	{"impact on what",
	 {"impact", "scenarios/article", "-r2", "--groups=maglev"},
	 2,
	 NULL,
	 "--groups: \"maglev\" is none of as_set, hash_threshold, resilient"},
	{"impact on a daemon's groups",
	 {"impact", "scenarios/article-gobgp", "-r2", "--groups=resilient"},
	 2,
	 NULL,
	 "this router installs no routes, and groups have none to follow"},
	{"impact on the groups of two tiers",
	 {"impact", "scenarios/two-tiers", "-r2", "--groups=resilient"},
	 2,
	 NULL,
	 "the groups of routers below lab.upstream can't be chosen"},
	{"impact of no flows",
	 {"impact", "scenarios/article", "-r2", "--flows=0"},
	 2,
	 NULL,
	 "--flows takes a number from 1 on"},
	{"impact of nothing", {"impact", "-r2"}, 2, NULL, "ecmplab impact: no scenario given"},
	{"impact of a virtual one",
	 {"impact", "scenarios/virtual-day", "-r2"},
	 2,
	 NULL,
	 "the scenario is played without a kernel, and traffic needs one"},
	{"run --help", {"run", "--help"}, 0, "Usage: ecmplab run [OPTION...] SCENARIO", NULL},
	{"run --help has examples", {"run", "--help"}, 0, "ecmplab run scenarios/article-l4 --seed 7", NULL},
	{"run nothing", {"run"}, 2, NULL, "ecmplab run: no scenario given"},
	{"run two", {"run", "a", "b"}, 2, NULL, "one scenario at a time; \"ecmplab test\" runs several"},
	{"run an unknown option", {"run", "--sede", "1", "a"}, 2, NULL, "unrecognized option '--sede'"},
	{"run an option's value", {"run", "--out"}, 2, NULL, "option '--out' requires an argument"},
	{"seed of words", {"run", "--seed", "x", "a"}, 2, NULL, "--seed takes a number up to " MAX64 ", not \"x\""},
	{"seed and words", {"run", "--seed", "7x", "a"}, 2, NULL, "not \"7x\""},
	{"seed below zero", {"run", "--seed", "-1", "a"}, 2, NULL, "not \"-1\""},
	{"seed too large", {"run", "--seed", "18446744073709551616", "a"}, 2, NULL, "not \"18446744073709551616\""},
	{"seed of nothing", {"run", "--seed", "", "a"}, 2, NULL, "not \"\""},
	{"run no file", {"run", "@none.yaml"}, 2, NULL, "none.yaml: error: can't read the file: No such file"},
	{"run a typo", {"run", "@typo.yaml"}, 2, NULL, "typo.yaml:3:3: error: "},

	{"test --help", {"test", "--help"}, 0, "Usage: ecmplab test [OPTION...] DIR...", NULL},
	{"test nothing", {"test"}, 2, NULL, "no folder of scenarios given"},
	{"test jobs of words", {"test", "-j", "x", "@"}, 2, NULL, "-j takes a number up to 64, not \"x\""},
	{"test too many jobs", {"test", "-j", "65", "@"}, 2, NULL, "-j takes a number up to 64, not \"65\""},
	{"test an empty folder", {"test", "@"}, 2, NULL, "there is no scenario.yaml in "},
	{"test a typo", {"test", "scenarios/article", "@typo.yaml"}, 2, NULL, "typo.yaml:3:3: error: "},

	{"check --help", {"check", "--help"}, 0, "Usage: ecmplab check [OPTION...] FILE...", NULL},
	{"check nothing", {"check"}, 2, NULL, "ecmplab check: no file to check"},
	{"check a folder", {"check", "scenarios/article"}, 0, "scenario article, ", NULL},
	{"check a manifest", {"check", "scenarios/article/nginx.yaml"}, 0, "nginx.yaml: 2 objects: good", NULL},
	{"check another", {"check", "@service.yaml"}, 0, "service.yaml: 1 object: good", NULL},
	{"check no file", {"check", "@none.yaml"}, 2, NULL, "none.yaml: error: can't read the file"},
	{"check an unknown key", {"check", "@typo.yaml"}, 2, NULL, "networks"},
	{"check where a key is", {"check", "@typo.yaml"}, 2, NULL, "typo.yaml:3:3: error: "},
	{"check a tab", {"check", "@tab.yaml"}, 2, NULL, "tab.yaml:3:1: error: "},
	{"check a key twice", {"check", "@twice.yaml"}, 2, NULL, "twice.yaml:2:1: error: "},
	{"check a type", {"check", "@type.yaml"}, 2, NULL, "type.yaml:3:20: error: "},
	{"check an address", {"check", "@address.yaml"}, 2, NULL, "address.yaml:3:20: error: "},
	{"check a missing file", {"check", "@missing.yaml"}, 2, NULL, "missing.yaml:3:15: error: "},
	{"check a port", {"check", "@port.yaml"}, 2, NULL, "port.yaml:6:18: error: "},
	{"check good and bad", {"check", "@service.yaml", "@typo.yaml"}, 2, "1 object: good", "typo.yaml:3:3"},
	{"check bad and good", {"check", "@typo.yaml", "@service.yaml"}, 2, "1 object: good", "typo.yaml:3:3"},

	{"plan --help", {"plan", "--help"}, 0, "Usage: ecmplab plan", NULL},
	{"plan nothing", {"plan"}, 2, NULL, "how many next hops? such as --members 3"},
	{"plan", {"plan", "--members", "16", "--detect", "10%"}, 0, "distinct flows over 16 members", NULL},
	{"plan in JSON", {"plan", "-m", "3", "--json"}, 0, "\"critical\": 27.6310211, \"supported\": true}", NULL},
	{"plan by weights", {"plan", "-w", "1,1,2"}, 0, "the smallest share, 25 % of all", NULL},
	{"plan too few flows", {"plan", "-m", "3", "--flows", "20"}, 1, "not even a dead member is found", NULL},
	{"plan too few values", {"plan", "-m", "4", "--values", "3"}, 1, "Vary another field as well", NULL},
	{"plan one member", {"plan", "-m", "1"}, 2, NULL, "how many next hops?"},
	{"plan no weights", {"plan", "-w", "1,x"}, 2, NULL, "--weights takes up to 4096 numbers"},
	{"plan a zero weight", {"plan", "-w", "1,0"}, 2, NULL, "from above 0 to 1e6"},
	{"plan no bias", {"plan", "-m", "3", "-d", "0"}, 2, NULL, "--detect takes a share from 0.0001 to 10"},
	{"plan no alpha", {"plan", "-m", "3", "--alpha", "1"}, 2, NULL, "--alpha takes a share"},
	{"plan a word more", {"plan", "-m", "3", "x"}, 2, NULL, "Too many arguments"},

	{"doctor --help", {"doctor", "--help"}, 0, "Usage: ecmplab doctor", NULL},
};

static char folder[] = "/tmp/ecmplab-cli-XXXXXX";

static const char *program(void)
{
	const char *path = getenv("ECMPLAB");

	if (path == NULL || access(path, X_OK) != 0) {
		print_message("skipped: ECMPLAB names no program\n");
		skip();
	}
	return path;
}

static void file_path(const char *name, char *ret, size_t room)
{
	snprintf(ret, room, "%s/%s", folder, name);
}

static int files_make(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[128];
		FILE *f;

		file_path(files[i].name, path, sizeof(path));
		f = fopen(path, "w");
		if (f == NULL || fputs(files[i].text, f) < 0 || fclose(f) != 0)
			return -1;
	}
	return 0;
}

static int files_remove(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[128];

		file_path(files[i].name, path, sizeof(path));
		unlink(path);
	}
	return rmdir(folder);
}

/* A file without a name, for what the program says. */
static int note_open(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void note_read(int fd, char *ret, size_t room)
{
	ssize_t n = pread(fd, ret, room - 1, 0);

	assert_true(n >= 0);
	ret[n] = '\0';
	close(fd);
}

/* Runs the program and returns its exit status. */
static int play(const char *const *args, int out, int err)
{
	const char *path = program();
	char paths[ARGS_MAX][128];
	const char *argv[ARGS_MAX + 2] = {"ecmplab"};
	int status = -1;
	pid_t pid;

	for (int i = 0; i < ARGS_MAX && args[i] != NULL; i++) {
		argv[i + 1] = args[i];
		if (args[i][0] == '@') {
			file_path(args[i] + 1, paths[i], sizeof(paths[i]));
			argv[i + 1] = paths[i];
		}
	}
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		dup2(null, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execv(path, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void says(const char *stream, const char *text, const char *words)
{
	if (words == NULL && *text != '\0')
		fail_msg("%s should be empty, but says: %s", stream, text);
	if (words != NULL && strstr(text, words) == NULL)
		fail_msg("%s does not say \"%s\", but: %s", stream, words, text);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	int out = note_open(), err = note_open(), status = play(row->args, out, err);
	char out_text[16384], err_text[16384];

	note_read(out, out_text, sizeof(out_text));
	note_read(err, err_text, sizeof(err_text));
	says("stdout", out_text, row->out);
	says("stderr", err_text, row->err);
	assert_int_equal(status, row->status);
	/* Colour is for terminals. */
	assert_null(strchr(out_text, '\033'));
	assert_null(strchr(err_text, '\033'));
}

/* What could not be written is not a success. */
static void test_full_disk(void **state)
{
	static const char *const fulls[][ARGS_MAX] = {{"--help"}, {"--version"}, {"check", "scenarios/article"}};

	(void)state;
	for (size_t i = 0; i < sizeof(fulls) / sizeof(fulls[0]); i++) {
		int full = open("/dev/full", O_WRONLY | O_CLOEXEC), err = note_open();

		if (full < 0)
			skip();
		assert_int_equal(play(fulls[i], full, err), 5);
		close(full);
		close(err);
	}
}

/* Wrong input starts nothing: no run directory comes to be. */
static void test_nothing_started(void **state)
{
	static const char *const args[ARGS_MAX] = {"run", "--out", "@out", "@typo.yaml"};
	int out = note_open(), err = note_open();
	char path[128];

	(void)state;
	assert_int_equal(play(args, out, err), 2);
	file_path("out", path, sizeof(path));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(errno, ENOENT);
	close(out);
	close(err);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void)
{
	struct CMUnitTest tests[COUNT(rows) + 2];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(rows); i++)
		tests[n++] = (struct CMUnitTest){rows[i].name, test_row, NULL, NULL, (void *)(uintptr_t)&rows[i]};
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_full_disk);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_nothing_started);
	return cmocka_run_group_tests_name("cli", tests, files_make, files_remove);
}
