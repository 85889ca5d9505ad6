using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace MailEngine.Accounts.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class AuditAccountsAndZones : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "TimeZone",
                table: "preferences",
                type: "TEXT",
                maxLength: 64,
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "TimeZone",
                table: "vacation",
                type: "TEXT",
                maxLength: 64,
                nullable: false,
                defaultValue: "UTC");

            migrationBuilder.AddColumn<long>(
                name: "AccountId",
                table: "audit",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_audit_AccountId",
                table: "audit",
                column: "AccountId");

            migrationBuilder.CreateIndex(
                name: "IX_audit_ActorId",
                table: "audit",
                column: "ActorId");

            migrationBuilder.CreateIndex(
                name: "IX_audit_Object",
                table: "audit",
                column: "Object",
                filter: "\"AccountId\" IS NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_audit_AccountId",
                table: "audit");

            migrationBuilder.DropIndex(
                name: "IX_audit_ActorId",
                table: "audit");

            migrationBuilder.DropIndex(
                name: "IX_audit_Object",
                table: "audit");

            migrationBuilder.DropColumn(
                name: "TimeZone",
                table: "preferences");

            migrationBuilder.DropColumn(
                name: "TimeZone",
                table: "vacation");

            migrationBuilder.DropColumn(
                name: "AccountId",
                table: "audit");
        }
    }
}
