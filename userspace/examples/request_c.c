// SPDX-License-Identifier: MIT
// Asks the driver behind an id something and prints its answer: request_c [IDX VAL [TEXT]]
#include <cnx/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct cnx_client *client;
	struct cnx_client_message question = {.id = {32, 1}}; /* the echo driver, unless another is named */
	struct cnx_client_message reply;
	const char *text = argc > 3 ? argv[3] : "hello";
	int status = 1;

	if (argc > 2) {
		question.id.idx = (uint32_t)strtoul(argv[1], NULL, 0);
		question.id.val = (uint32_t)strtoul(argv[2], NULL, 0);
	}
	question.payload = text;
	question.length = strlen(text);

	if (cnx_client_open(&client, NULL) == 0 && cnx_client_request(client, &question, 5000, &reply) == 0) {
		printf("%.*s\n", (int)reply.length, (const char *)reply.payload);
		status = 0;
	} else {
		fprintf(stderr, "request_c: %s\n", cnx_client_error());
	}
	cnx_client_close(client);
	return status;
}
