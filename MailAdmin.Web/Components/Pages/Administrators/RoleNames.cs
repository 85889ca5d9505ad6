using MailAdmin.Web.Resources;
using Microsoft.Extensions.Localization;

namespace MailAdmin.Web.Components.Pages.Administrators;

/// <summary>Names of permission sets in the reader's language: those that are built in have one in each.</summary>
static class RoleNames
{
    public static string Of(IStringLocalizer<Texts> texts, long id, string name, bool isBuiltIn) => isBuiltIn ? texts["Role." + id] : name;
}
