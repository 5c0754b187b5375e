# The dashboard: served by the intake as it is, from $(pkgdatadir)/dashboard.
nobase_dist_pkgdata_DATA += dashboard/index.html dashboard/style.css \
	dashboard/forms.css dashboard/parts.css dashboard/settings.css \
	dashboard/activity.css \
	dashboard/icon.svg dashboard/theme.js \
	dashboard/app.js dashboard/router.js dashboard/session.js \
	dashboard/api.js dashboard/dom.js dashboard/icons.js dashboard/ui.js \
	dashboard/forms.js dashboard/format.js \
	dashboard/channel/draft.js dashboard/channel/filter_field.js \
	dashboard/channel/kinds.js dashboard/channel/pairs_field.js \
	dashboard/channel/policy_fields.js dashboard/channel/rotate.js \
	dashboard/channel/secret_field.js dashboard/channel/settings_fields.js \
	dashboard/channel/test_result.js dashboard/pages/channel_settings.js \
	dashboard/channel/state.js \
	dashboard/deliveries/actions.js dashboard/deliveries/charts.js \
	dashboard/deliveries/filter.js dashboard/deliveries/list.js \
	dashboard/deliveries/live.js dashboard/deliveries/waterfall.js \
	dashboard/pages/audit.js dashboard/pages/channels.js dashboard/pages/deliveries.js \
	dashboard/pages/delivery.js dashboard/pages/explain.js \
	dashboard/pages/modules.js dashboard/pages/index.js dashboard/pages/signin.js \
	dashboard/pages/settings.js dashboard/pages/tokens.js \
	dashboard/pages/tenants.js dashboard/pages/account.js
