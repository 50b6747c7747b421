#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"

/* Places that hold URLs of the old host and that no program of ours can reach;
 * begins: what the variables of an app that uses it begin with. */
static const struct service {
	const char *begins[8];
	const char *place;
	bool always;		/* told whatever the app's variables are */
} services[] = {
	{ { "STRIPE_" }, "Stripe: webhook endpoints, return URLs", false },
	{ { "BREVO_", "SENDINBLUE_", "SENDGRID_", "MAILCHIMP_", "RESEND_",
	    "POSTMARK_", "MAILGUN_" },
	    "e-mail templates and sender domains at the mail provider", false },
	{ { "GOOGLE_CLIENT_", "GOOGLE_ID", "AUTH_GOOGLE_" },
	    "Google: OAuth redirect URIs", false },
	{ { "FACEBOOK_", "INSTAGRAM_" },
	    "Meta: OAuth redirect URIs, app domains", false },
	{ { "LINKEDIN_", "TWITTER_", "GITHUB_CLIENT_", "GITHUB_ID",
	    "DISCORD_", "APPLE_" },
	    "social logins: OAuth redirect URIs", false },
	{ { "OAUTH_" }, "OAuth redirect URIs", false },
	{ { "PAYPAL_" }, "PayPal: webhooks, return URLs", false },
	{ { "NEXT_PUBLIC_GA_", "GA_", "NEXT_PUBLIC_GTM", "NEXT_PUBLIC_POSTHOG",
	    "PLAUSIBLE_" }, "analytics: the site's address", false },
	{ { "TWILIO_", "SLACK_", "TELEGRAM_" },
	    "callbacks of messaging services", false },
	{ { NULL }, "OAuth redirect URIs of every login provider", true },
	{ { NULL }, "webhooks of payment and other services", true },
	{ { NULL }, "e-mail templates, and links in mails already sent", true },
	{ { NULL }, "DNS, CDN, and CORS lists of other services", true },
	{ { NULL }, "sitemap and search console", true },
	{ { NULL }, "mobile apps, bookmarks, printed links: let the old host "
	    "redirect for a while", true },
};

#define N_SERVICES (sizeof(services) / sizeof(services[0]))

unsigned
doctor_service_of(const char *variable)
{
	unsigned found = 0;
	size_t i, j;

	for (i = 0; i < N_SERVICES; i++) {
		for (j = 0; j < 8 && services[i].begins[j] != NULL; j++) {
			if (strncmp(variable, services[i].begins[j],
			    strlen(services[i].begins[j])) == 0)
				found |= 1u << i;
		}
	}
	return found;
}

static void
list(char *out, size_t size, unsigned which, bool always)
{
	size_t i, len = 0;
	int n;

	out[0] = '\0';
	for (i = 0; i < N_SERVICES && len < size; i++) {
		if (services[i].always != always ||
		    (!always && (which & 1u << i) == 0))
			continue;
		n = snprintf(out + len, size - len, "%s%s",
		    len > 0 ? "; " : "", services[i].place);
		if (n > 0)
			len += (size_t)n;
	}
}

bool
doctor_outside(struct doctor *d, struct err *err)
{
	const struct doctor_finding f = { "places", SPACEFERRY_PASS,
	    "go through them by hand when the app has moved" };
	char used[600], others[600];

	(void)err;
	d->group = "outside";
	list(used, sizeof(used), d->services, false);
	list(others, sizeof(others), 0, true);
	doctor_tell(d, &f, "out of reach, may hold old URLs: %s%s%s%s", used,
	    used[0] != '\0' ? " (by the app's variables)" : "",
	    used[0] != '\0' ? "; " : "", others);
	return true;
}
