/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sandbox has one user. A daemon that drops its privileges asks the kernel for users that do not exist there, and ends
 * when it is refused; told that all went well it goes on as the one user, who has no rights outside the sandbox. */
#include "net_int.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const unsigned int calls[] = {
	SYS_setgroups, SYS_setuid,    SYS_setgid, SYS_setreuid, SYS_setregid,
	SYS_setresuid, SYS_setresgid, SYS_fchown, SYS_fchownat,
#ifdef SYS_chown
	SYS_chown,
#endif
#ifdef SYS_lchown
	SYS_lchown,
#endif
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

int net_one_user(void)
{
	struct sock_filter filter[CALLS + 3];
	struct sock_fprog program = {.len = CALLS + 3, .filter = filter};
	size_t n = 0;

	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS; i++)
		filter[n++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], (uint8_t)(CALLS - i), 0);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0); /* done, it says */
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}
